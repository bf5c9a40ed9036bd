"""The gRPC face of the model service."""

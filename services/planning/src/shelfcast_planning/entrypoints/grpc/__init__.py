"""The gRPC face of the planning service."""

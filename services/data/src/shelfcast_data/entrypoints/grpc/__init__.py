"""The data service over gRPC."""

"""The door: REST to gRPC by descriptor."""

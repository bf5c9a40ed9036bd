"""The public gRPC face: traces, logs, health board."""

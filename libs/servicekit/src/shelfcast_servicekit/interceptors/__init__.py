"""Own gRPC interceptors: telemetry, access log, errors, auth, deadline, field rules."""

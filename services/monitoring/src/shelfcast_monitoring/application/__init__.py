"""What callers want done with telemetry and health."""

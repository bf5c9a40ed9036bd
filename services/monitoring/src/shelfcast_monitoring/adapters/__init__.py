"""The outside of the monitoring service: stores and probes."""

"""The ways into the monitoring service."""

"""Telemetry of all services and the rules that hold for it."""

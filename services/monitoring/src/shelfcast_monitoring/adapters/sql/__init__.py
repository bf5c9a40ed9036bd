"""Telemetry in SQLite or MySQL/MariaDB."""

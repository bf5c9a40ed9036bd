"""What every Shelfcast service needs to run: settings, server, channels, errors, telemetry, jobs."""

"""The ways into the data service."""

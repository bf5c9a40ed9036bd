"""The ways into the planning service."""

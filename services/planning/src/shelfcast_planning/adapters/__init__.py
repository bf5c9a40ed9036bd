"""The outside of the planning service."""

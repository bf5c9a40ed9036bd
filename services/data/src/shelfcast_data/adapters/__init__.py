"""The outside world of the data service."""

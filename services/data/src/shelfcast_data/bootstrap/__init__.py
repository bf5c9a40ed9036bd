"""The choice of the parts of the data service."""

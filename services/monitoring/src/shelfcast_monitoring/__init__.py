"""OTLP receiver, trace search and health board."""

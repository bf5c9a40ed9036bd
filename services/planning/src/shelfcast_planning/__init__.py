"""Decisions from forecasts and stock."""

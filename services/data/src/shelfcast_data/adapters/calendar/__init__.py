"""Holidays out of a library."""

"""Announcements in Redis."""

"""Backups: all tables and files of the service at one moment, and their way back into an empty store."""

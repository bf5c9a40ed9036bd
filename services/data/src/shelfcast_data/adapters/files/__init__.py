"""Uploads and tables as files."""

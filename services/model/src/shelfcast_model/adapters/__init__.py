"""Ports put into practice: SQL, Redis, stores, other services and learning libraries."""

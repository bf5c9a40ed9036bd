"""What callers want decided."""

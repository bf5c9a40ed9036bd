"""Months of sales moved out of the database and back."""

"""The job engine: SQL table as the truth, Celery for delivery, leases and fences for safety."""

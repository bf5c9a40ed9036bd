"""What callers of the data service want done, one use case a module."""

"""What callers of the model service want done, one use case a file."""

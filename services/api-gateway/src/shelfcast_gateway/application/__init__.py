"""What the door does with a request."""

"""Where requests and jobs come in."""

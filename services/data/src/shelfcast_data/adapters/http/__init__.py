"""Files that others keep, fetched over HTTP."""

"""Files that lists go out as."""

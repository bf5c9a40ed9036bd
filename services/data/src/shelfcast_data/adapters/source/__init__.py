"""Tables of other databases that sales are read from."""

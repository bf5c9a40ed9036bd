"""Sales history from the data service: its snapshots in the shared store and its Arrow streams."""

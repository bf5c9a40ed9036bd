"""JSON to messages and back, by plans compiled from descriptors."""

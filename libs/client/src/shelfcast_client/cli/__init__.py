"""The command `shelfcast`."""

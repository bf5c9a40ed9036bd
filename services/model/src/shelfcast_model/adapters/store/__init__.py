"""Model artefacts in the shared store: a folder of files under a manifest of digests."""

"""Descriptors, codec, upstreams and Redis."""

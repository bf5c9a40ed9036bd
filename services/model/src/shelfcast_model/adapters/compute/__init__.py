"""Forecasters run off the event loop: one thread for the network, one for all others."""

"""Folders of runs and sweeps: what is in them, and how they are named."""

"""Callbacks of a run: checkpoints, sample poems, confusion matrices, progress."""

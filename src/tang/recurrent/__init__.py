"""Recurrent layers in PyTorch's own parameter layout."""

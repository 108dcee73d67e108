"""Fused loops over memory in C++, compiled at first use, with a PyTorch fallback where there is no compiler."""

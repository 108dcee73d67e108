"""Loops over memory that PyTorch has no single call for, in C++ where there is a compiler."""

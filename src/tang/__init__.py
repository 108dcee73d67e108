"""LSTM language models on Tang poetry; docs/architecture.md shows the packages and the data flow.

Axes of tensors, in the signatures and docstrings of all packages:

    B batch   T time   E embedding   H hidden   V vocabulary   L layers   G gates
    S slots of a form   N any number
"""

"""LSTM language models on Tang poetry.

Data flows one way, and a package never imports one that stands after it here: ``corpus`` (clean
poems) → ``data`` (vocabulary, batches) → ``recurrent`` (layers) → ``tasks`` (network, loss,
metrics) → ``verse`` (forms, decoding) → ``callbacks``. The scripts in ``src/`` compose these.

Axes of tensors, in every signature and docstring:

    B batch   T time   E embedding   H hidden   V vocabulary   L layers   S slots of a form
"""

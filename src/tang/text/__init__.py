"""Chinese text: its scripts, its punctuation, its verse forms. Needs no PyTorch."""

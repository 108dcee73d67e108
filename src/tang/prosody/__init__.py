"""Prosody of regulated verse: rhyme groups, tone patterns, and a critique of any poem. Needs no PyTorch."""

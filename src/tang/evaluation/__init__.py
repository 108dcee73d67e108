"""Measuring a model and its poems: perplexity, quality of poems, reports on any poem, predictions for names."""

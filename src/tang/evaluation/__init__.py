"""Evaluation of models and poems: perplexity, quality of sampled poems, reports on any poem, predictions for names."""

"""Writing verse with a trained model: slots of a form, constraints, sampling and beam search."""

"""Writing verse with a trained model: forms as masks, decoding, layout."""

"""From clean poems and names to batches of ids: split, vocabulary, prepared files, bucketed loaders."""

"""From clean poems to batches of ids: split, vocabulary, prepared files, bucketed loaders."""

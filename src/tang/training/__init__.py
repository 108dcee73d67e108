"""One training run: build its parts, train, save, resume, and say what came out."""

"""One training run: build its parts, train, save, resume, report the result."""

"""What came of a sweep, whichever it was: a table, pictures, and which differences are larger than the noise."""

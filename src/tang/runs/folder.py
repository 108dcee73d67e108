"""Names of files in the folders of runs and sweeps."""

RESULT = "result.json"
"""In a run's folder: what it came to."""

FAILURE = "failure.txt"
"""In a run's folder: why it failed, a line."""

STUDY = "study.db"
"""In the folder of a search: what it has tried."""

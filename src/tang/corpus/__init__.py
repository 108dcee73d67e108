"""From files to clean poems and names: registry, download (pinned, hashed, cached), reading, cleaning. No torch."""

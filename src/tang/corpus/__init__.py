"""From files to clean poems: fetch (pinned, hashed, cached), read, clean, forms."""

"""The page: poems written and checked in a browser, by a server with one model."""

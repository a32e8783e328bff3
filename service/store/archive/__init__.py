"""The whole database as one file, there and back, by PostgreSQL's own programs."""

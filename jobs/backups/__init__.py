"""Backups: the database and the snapshots of one instant, in a folder or a bucket."""

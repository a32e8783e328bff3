"""The batch shell: AWS in, the month's work."""

"""What an operator can do, one verb per file."""

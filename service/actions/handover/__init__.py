"""The way out of a member account."""

"""The way in of a member account."""

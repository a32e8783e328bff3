"""A snapshot becomes drafts."""

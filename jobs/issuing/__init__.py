"""Approved drafts become numbered, rendered documents."""

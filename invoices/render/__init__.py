"""Frozen documents to bytes."""

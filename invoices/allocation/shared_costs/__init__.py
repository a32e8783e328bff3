"""Charges that several clients bear together, by what was agreed."""

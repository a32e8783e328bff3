"""The proof that nothing issued was changed: rows, bytes, numbers and months."""

"""Keys, the audit, and answers given once."""

"""Which client bears which charge."""

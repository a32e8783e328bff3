"""Custom line items: what is configured of them, and what their earlier months count and took."""

"""Evidence of a month or of an invoice, as one ZIP that a stranger verifies with public tools."""

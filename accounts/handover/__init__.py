"""The way out: a checklist that ends with proof that we have no access."""

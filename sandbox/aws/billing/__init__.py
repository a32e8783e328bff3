"""Cost tags, anomaly monitors and budgets."""

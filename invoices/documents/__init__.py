"""What the law sees: invoices and the figures on them, in whole minor units."""

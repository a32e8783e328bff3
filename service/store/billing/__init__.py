"""What is configured, a payer's month, drafts and documents."""

"""Who may become whom, and what they may do."""

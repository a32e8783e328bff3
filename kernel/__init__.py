"""What both cores share, and nothing else: errors and findings."""

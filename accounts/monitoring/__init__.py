"""The daily look: what changed outside Rebill, and what follows."""

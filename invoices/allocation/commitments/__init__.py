"""Reservations and savings plans by contract: whose what they save is, and what they cost."""

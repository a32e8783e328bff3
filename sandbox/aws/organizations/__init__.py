"""Accounts, organizational units, invitations and transfers."""

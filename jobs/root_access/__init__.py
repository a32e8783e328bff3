"""Root of a member account, entered for one task once two people agreed."""

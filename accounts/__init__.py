"""The second pure core: a member account from its request to its hand-over, decided."""

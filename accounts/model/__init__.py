"""The values: what is asked, observed, decided and remembered of one account."""

"""What a charge is sold for."""

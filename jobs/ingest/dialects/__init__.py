"""What the columns of each export mean."""

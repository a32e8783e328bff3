"""The sums of a file and of the whole bill, and what is recorded beside them."""

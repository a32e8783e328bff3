"""What a decision is made from, and how what is remembered changes."""

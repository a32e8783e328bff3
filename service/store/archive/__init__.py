"""What the database says of its own past: its dump, its chains and their proof, its billings."""

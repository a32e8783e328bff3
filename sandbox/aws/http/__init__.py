"""From a request to a function, and back."""

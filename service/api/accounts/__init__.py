"""Member accounts over HTTP."""

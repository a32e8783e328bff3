"""AWS Support by contract: passed, kept, shared, or computed anew."""

"""Our own organization, set up once."""

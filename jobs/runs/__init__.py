"""Long work as durable steps: ingest, billing, issuing."""

"""An AWS export becomes a summary of charges."""

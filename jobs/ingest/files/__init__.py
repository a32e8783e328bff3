"""One file of an export, hostile until proven."""

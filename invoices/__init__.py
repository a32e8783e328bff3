"""The pure core of billing: charges become documents. No I/O, no clock, no database."""

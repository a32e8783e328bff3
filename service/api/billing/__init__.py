"""Invoices and periods over HTTP."""

"""From a configuration to issued invoices."""

"""The configuration file: its forms, and the core's values they become."""

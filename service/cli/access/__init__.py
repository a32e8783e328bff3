"""The commands of who may do what: API keys, grants, links."""

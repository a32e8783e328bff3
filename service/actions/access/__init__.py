"""Who may: keys, grants, links."""

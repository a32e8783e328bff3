"""What has to be so of an account, wherever in its life: placement, roles, root, guards, access."""

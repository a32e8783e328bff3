"""A pretend AWS: bills that reconcile, and the services that answer for them."""

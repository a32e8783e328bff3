"""Member accounts: onboardings, hand-overs, grants, members."""

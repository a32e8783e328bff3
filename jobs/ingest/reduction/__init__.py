"""The one hot pass: rows become exact sums by key."""

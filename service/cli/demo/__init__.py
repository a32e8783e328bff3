"""The commands that need the pretend AWS: the demo, and invented bills."""

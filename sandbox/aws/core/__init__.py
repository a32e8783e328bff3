"""Time, state, callers, trouble."""

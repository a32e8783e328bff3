"""Moving onboardings and hand-overs: observe, decide, act, store."""

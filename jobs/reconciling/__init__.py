"""Control totals and the proof of a month."""

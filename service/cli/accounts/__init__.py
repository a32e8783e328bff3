"""The commands by which member accounts come, are looked after, and leave."""

"""The pure core of member accounts."""

"""The way in: the plan of an onboarding and its next step."""

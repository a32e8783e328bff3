"""What people use to reach a role: links and profiles, as files for each team."""

"""What chooses the jobs of a sweep: every combination, or a search."""

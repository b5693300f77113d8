"""``cfexp NAME``: commands that are no run."""

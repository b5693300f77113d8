"""What a run does, one file a mode, and sweeps."""

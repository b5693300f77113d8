"""The modes of a run, one file each, and sweeps."""

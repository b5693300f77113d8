"""Training: engines, the epoch loop, checkpoints and progress."""

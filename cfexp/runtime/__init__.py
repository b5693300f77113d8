"""The process and the machine: files, locks, console, TensorFlow."""

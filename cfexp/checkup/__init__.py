"""What is installed and found on this machine, and what is wrong with it."""

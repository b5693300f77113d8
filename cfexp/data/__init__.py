"""Datasets: load, check and fingerprint ratings and movies."""

"""Comparison of trained runs on the same test rows."""

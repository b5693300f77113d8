"""Accuracy and time beside other libraries."""

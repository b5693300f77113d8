"""Accuracy and training time in comparison with other libraries."""

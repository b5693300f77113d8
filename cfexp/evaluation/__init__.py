"""Numbers from predictions: errors, their groups, significance and uncertainty."""

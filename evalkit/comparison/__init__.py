"""Comparing systems: who may be compared, scores by case, where they stand, and the shape of the result."""

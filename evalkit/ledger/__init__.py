"""What aggregates need of a graded and diagnosed run, as columns: read off one part at a time, joined, kept on disk."""

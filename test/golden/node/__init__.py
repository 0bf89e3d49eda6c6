"""What scripts and administrators of a node see, in every word."""

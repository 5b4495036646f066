"""Many tasks' code to one graph of columns."""

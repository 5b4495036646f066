"""SQL text to edges between columns."""

"""Results and cached results: where they are stored, and how."""

"""What the command line and the API say as JSON: one shape for a thing, wherever it is asked for."""

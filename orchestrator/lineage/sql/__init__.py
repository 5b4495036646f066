"""SQL text to the datasets it reads and writes."""

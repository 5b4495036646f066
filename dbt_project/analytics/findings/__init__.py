"""The report's findings by subject; each function reads the marts and returns one finding."""

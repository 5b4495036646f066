"""The command line: commands, and the pictures they draw in a terminal."""

"""SQL tasks: a text or a file, or a folder of files, run on a warehouse."""

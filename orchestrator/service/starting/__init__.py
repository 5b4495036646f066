"""Starting: a project made from a template, and kept up with it."""

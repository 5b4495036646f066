"""Work over HTTP: a request, pages of rows into a table, waiting until a condition holds."""

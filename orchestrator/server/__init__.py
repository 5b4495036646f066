"""The HTTP API and the page: routes by subject, behind one gate."""

"""DuckDB: one owner of each file in a process, its connections, and a task that runs a query."""

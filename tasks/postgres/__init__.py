"""Postgres: warm connections through psycopg 3, scripts, Arrow in and out, and a task that runs a query."""

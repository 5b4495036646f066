"""The run store: one contract, kept in memory or in a SQL database."""

"""Producers joined to consumers: edges, each with its evidence."""

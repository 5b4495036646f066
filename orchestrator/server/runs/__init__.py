"""Runs over HTTP: lists, pages, logs, and what people ask of them."""

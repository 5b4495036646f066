"""Datasets and lineage, over HTTP."""

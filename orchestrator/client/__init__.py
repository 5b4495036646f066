"""The Python client of the HTTP API, with the names of the API."""

from orchestrator.client.client import Client

__all__ = ["Client"]

"""What a warm session leaves out of dbt: work whose result nobody sees, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def trimmed(on: bool = True) -> Iterator[None]:
    """Apply every trimming, and take all of them back at the end."""
    yield

"""A DuckDB database is prepared with the statements that dbt-duckdb itself would run."""

from __future__ import annotations

from typing import Any

import pytest
from dbt.adapters.duckdb.credentials import Attachment, DuckDBCredentials

from tasks.duckdb.opening import Opening


@pytest.mark.parametrize(
    "attached",
    [
        {"path": "/srv/a.duckdb"},
        {"path": "/srv/a.duckdb", "alias": "other", "read_only": True},
        {"path": "/srv/it's.db", "type": "sqlite", "alias": "lite"},
        {"path": "s3://b/a.duckdb", "alias": "far", "secret": "mine"},
        {"path": "/srv/a.duckdb", "alias": "o", "options": {"encryption_key": "k'ey", "x": 3}},
        {"path": "/srv/a.duckdb", "options": {"read_only": True, "unused": None}},
    ],
)
def test_attach(attached: dict[str, Any]) -> None:
    theirs = Attachment(**attached).to_sql()
    assert list(Opening("a", attach=(attached,)).instance_statements()) == [theirs]


def test_secrets() -> None:
    secrets: list[dict[str, Any]] = [
        {"type": "s3", "region": "eu-west-1", "key_id": "k", "secret": "it's"},
        {"type": "gcs", "name": "mine", "persistent": True, "scope": ["gs://a", "gs://b"]},
    ]
    ours = list(Opening("a", secrets=tuple(secrets)).instance_statements())
    assert ours == DuckDBCredentials(secrets=[dict(s) for s in secrets]).secrets_sql()


def test_settings_are_set_on_each_cursor() -> None:
    assert list(Opening("a", settings={"x": "it's"}).cursor_statements()) == ["SET x = 'it''s'"]

"""Rows that a node wrote to DuckDB: the database tells its cursor, dbt-duckdb does not tell dbt."""

from __future__ import annotations

from typing import Any

#: Where a count lies beside what dbt knows of a response, and writes of it.
_NAME = "rows_of_cursor"


def keep_counts(adapter: Any) -> dict[str, int | None] | None:
    """Keep with each response what its cursor tells, if the adapter drops it: dbt-duckdb does.

    The number comes with the database's answer: nothing is asked, nothing fetched, and what dbt
    reads of the response stays as it is.

    Returns:
        Where to keep the counts of nodes, by unique id; None for an adapter that tells itself.
    """
    manager = adapter.connections
    if manager.TYPE != "duckdb":
        return None
    original = type(manager).get_response

    def get_response(cursor: Any) -> Any:
        response = original(cursor)
        object.__setattr__(response, _NAME, _rows(cursor))
        return response

    manager.get_response = get_response
    return {}


def count_into(counts: dict[str, int | None], runner: Any) -> None:
    """Let the runner of a model enter how many rows the node's statement ``main`` wrote."""
    original = getattr(runner, "_build_run_model_result", None)
    if original is None:
        return

    def build(model: Any, context: Any, *args: Any) -> Any:
        result = original(model, context, *args)
        counts[model.unique_id] = getattr(context["load_result"]("main").response, _NAME, None)
        return result

    runner._build_run_model_result = build


def _rows(cursor: Any) -> int | None:
    try:
        rows = cursor.rowcount
    except Exception:  # a cursor that does not tell: there is no count
        return None
    return rows if isinstance(rows, int) and rows >= 0 else None

"""Says with the end of a task, good or bad, which SQL it ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestrator.model.signals import FAIL, Result


def saying(sql: Callable[[], str], work: Callable[[], Result]) -> Result:
    """Do work, and put its SQL into the detail of what comes of it, for the run store to keep.

    Args:
        sql: Gives the whole text; asked when the work is done.
        work: What runs it.

    Raises:
        FAIL: As the work raises it, with the SQL in its detail.

    Example:
        >>> saying(lambda: "select 1", lambda: Result(1)).detail
        {'ran_sql': 'select 1'}
    """
    try:
        result = work()
    except FAIL as failure:
        failure.detail["ran_sql"] = sql()
        raise
    return replace(result, detail={**result.detail, "ran_sql": sql()})

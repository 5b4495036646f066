"""The task that runs a query on Postgres and hands its result to other tasks."""

from __future__ import annotations

from tasks.sql.query import QueryTask


class PostgresQuery(QueryTask):
    """Runs a query on a Postgres warehouse and returns its result.

    Args:
        query: The SQL; may also be given to ``run``. Only a query given here is read for lineage:
            for others say ``reads=`` and ``writes=``.
        warehouse: Name of the connection; the project's default if left out.
        fetch: What is returned: ``none``; ``all``, a list of tuples; ``one``, a tuple or None;
            ``df``, a pandas frame; ``arrow``, a pyarrow table.
        data: Values for the placeholders: a list for ``$1`` (or ``?``), a mapping for ``$name``.
            They are bound, never written into the text by hand.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: ``fetch`` is none of these.

    Example:
        >>> count = PostgresQuery("select count(*) from raw.flights where month = $1", fetch="one", data=[1])
        >>> count.name
        'PostgresQuery'
    """

"""The task that starts or stops Snowflake's compute, which Snowflake calls a warehouse."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.dataset import Namespace
from orchestrator.model.signals import Result
from orchestrator.nearest import nearest
from tasks.snowflake.names import identifier
from tasks.sql.failing import SqlFailure
from tasks.sql.running import run_script
from tasks.sql.script import Script, Transaction
from tasks.sql.session import SqlSession
from tasks.sql.task import SqlTask

ACTIONS = ("resume", "suspend")
_SUSPENDED_ALREADY = "cannot be suspended"


class SnowflakeCompute(SqlTask):
    """Resumes or suspends one of Snowflake's own warehouses, and may give it another size.

    Args:
        compute: Its name, as Snowflake has it.
        action: ``resume`` or ``suspend``; harmless if it runs, or stands, already.
        size: A size to give it before: ``xsmall``, ``small``, ``large``, …
        warehouse: Name of the connection that this is said on; the project's default if left out.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: ``action`` is none of these.

    Example:
        >>> SnowflakeCompute("etl_wh", "resume", size="large").sql
        "ALTER WAREHOUSE etl_wh SET WAREHOUSE_SIZE = 'LARGE'; ALTER WAREHOUSE etl_wh RESUME IF SUSPENDED"
    """

    def __init__(
        self,
        compute: str,
        action: str,
        *,
        size: str | None = None,
        warehouse: str | None = None,
        **task_kwargs: Any,
    ) -> None:
        if action not in ACTIONS:
            raise FlowError(
                f"SnowflakeCompute cannot {action!r} {compute}",
                fix=nearest(action, ACTIONS, "one of "),
            )
        alter = f"ALTER WAREHOUSE {identifier(compute)}"
        said = [f"{alter} {'RESUME IF SUSPENDED' if action == 'resume' else 'SUSPEND'}"]
        if size is not None:
            word = "".join(letter for letter in size.upper() if letter.isalnum())
            said.insert(0, f"{alter} SET WAREHOUSE_SIZE = '{word}'")
        task_kwargs.setdefault("name", f"{action} {compute}")
        super().__init__("; ".join(said), warehouse=warehouse, **task_kwargs)
        self.compute, self.action = compute, action

    def run(self, warehouse: Any = None) -> Result:  # type: ignore[override]
        """Say it to Snowflake.

        Args:
            warehouse: A :class:`Warehouse` outside a flow; in one, the open connection.

        Raises:
            FAIL: There is no such warehouse, or the role may not do this.
        """
        self._make_ready(warehouse)
        return self._on_session(warehouse, self._said)

    def _said(self, session: SqlSession, namespace: Namespace) -> Result:
        script = self._script or Script(self.sql or "")
        script = Script(script.text, place=self.name, transaction=Transaction.OFF)
        try:
            run_script(session, script, None, "none", namespace)
        except SqlFailure as failure:
            if self.action == "resume" or _SUSPENDED_ALREADY not in failure.message:
                raise
            return Result(message=f"{self.compute} was suspended already")
        return Result(message=f"{self.compute}: {self.action}")

"""Tasks that move files into Snowflake's stages and out of them, and stages into tables."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.dataset import Namespace
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL, Result
from tasks.sql.running import run_script
from tasks.sql.script import Script, Transaction
from tasks.sql.session import SqlSession, Statement
from tasks.sql.task import SqlTask
from tasks.sql.text import SqlText

ON_ERROR = ("abort_statement", "continue", "skip_file")
_ERRORS_SEEN, _FIRST_ERROR = 5, 6  #: columns of what COPY answers for each file
_REJECTS = (
    "job VARCHAR, error VARCHAR, file VARCHAR, line NUMBER, column_name VARCHAR,"
    " rejected_record VARCHAR"
)


class _StageTask(SqlTask):
    """A task whose SQL is written from its arguments when the project's folder is known."""

    def _statement(self, root: Path) -> str:
        raise NotImplementedError

    def _text(self, planning: Planning) -> SqlText:
        text = self._statement(planning.root)
        return SqlText(Script(text, place=self.name, transaction=Transaction.OFF), {})

    def _ran(self, warehouse: Any) -> Result:
        return self._run_on(warehouse, None, "all")


class SnowflakePut(_StageTask):
    """Uploads local files to a stage.

    Args:
        files: A path or a pattern (``exports/*.csv``), relative to the project's folder.
        stage: The stage and a path in it: ``@raw.landing/orders/``, ``@%orders``, ``@~/mine``.
        warehouse: Name of the connection; the project's default if left out.
        auto_compress: Whether files are compressed (gzip) on the way.
        overwrite: Whether a file of the same name is replaced; it is left alone otherwise.
        parallel: Parts of a large file that are sent at the same time.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: The stage does not begin with ``@``.

    Example:
        >>> SnowflakePut("exports/orders.csv", "@raw.landing").stage
        '@raw.landing'
    """

    def __init__(
        self,
        files: str | Path,
        stage: str,
        warehouse: str | None = None,
        *,
        auto_compress: bool = True,
        overwrite: bool = True,
        parallel: int = 4,
        **task_kwargs: Any,
    ) -> None:
        super().__init__("", warehouse=warehouse, **task_kwargs)
        self.files = str(files)
        self.stage = _stage(stage, self)
        self.auto_compress, self.overwrite, self.parallel = auto_compress, overwrite, parallel

    def run(self, warehouse: Any = None) -> Result:  # type: ignore[override]
        """Upload them.

        Args:
            warehouse: A :class:`Warehouse` outside a flow; in one, the open connection.

        Returns:
            The names of the files in the stage, in alphabetical order.

        Raises:
            FAIL: There is no such file, or Snowflake refused one.
        """
        self._make_ready(warehouse)
        pattern = str(self._root / Path(self.files).expanduser())
        if not glob.glob(pattern):
            raise FAIL(f"no file {self.files} in {self._root}", detail={"error": pattern})
        done = self._ran(warehouse)
        names = sorted(str(row[1]) for row in done.value)
        return replace(done, value=names, message=f"{len(names)} files put into {self.stage}")

    def _statement(self, root: Path) -> str:
        self._root = root.resolve()
        path = (self._root / Path(self.files).expanduser()).as_posix()
        options = f"AUTO_COMPRESS = {_sql(self.auto_compress)} OVERWRITE = {_sql(self.overwrite)}"
        return f"PUT {_text('file://' + path)} {self.stage} PARALLEL = {self.parallel} {options}"


class SnowflakeGet(_StageTask):
    """Downloads the files of a stage to a local folder.

    Args:
        stage: The stage and a path in it.
        folder: Where they go, relative to the project's folder; made if it is not there.
        warehouse: Name of the connection; the project's default if left out.
        pattern: A regular expression that the files' names fit.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: The stage does not begin with ``@``.

    Example:
        >>> SnowflakeGet("@marts.exports/daily/", "out").folder
        'out'
    """

    def __init__(
        self,
        stage: str,
        folder: str | Path,
        warehouse: str | None = None,
        *,
        pattern: str | None = None,
        **task_kwargs: Any,
    ) -> None:
        super().__init__("", warehouse=warehouse, **task_kwargs)
        self.stage = _stage(stage, self)
        self.folder = str(folder)
        self.pattern = pattern
        self.reads = (*self.reads, self.stage)

    def run(self, warehouse: Any = None) -> Result:  # type: ignore[override]
        """Download them.

        Args:
            warehouse: A :class:`Warehouse` outside a flow; in one, the open connection.

        Returns:
            The paths of the files, in alphabetical order.

        Raises:
            FAIL: Snowflake refused.
        """
        self._make_ready(warehouse)
        self._into.mkdir(parents=True, exist_ok=True)
        done = self._ran(warehouse)
        paths = sorted(str(self._into / str(row[0])) for row in done.value)
        return replace(done, value=paths, message=f"{len(paths)} files got from {self.stage}")

    def _statement(self, root: Path) -> str:
        self._into = root.resolve() / Path(self.folder).expanduser()
        pattern = f" PATTERN = {_text(self.pattern)}" if self.pattern else ""
        return f"GET {self.stage} {_text(f'file://{self._into.as_posix()}/')}{pattern}"


class SnowflakeCopy(_StageTask):
    """Loads files of a stage into a table, with ``COPY INTO``; those it loaded before are skipped.

    Args:
        table: The table.
        stage: The stage and a path in it.
        warehouse: Name of the connection; the project's default if left out.
        file_format: The name of a file format, or its options: ``{"type": "csv", "skip_header": 1}``.
        files: Names of files below the stage's path; all if left out.
        pattern: A regular expression that the files' names fit.
        match_by_column_name: ``case_insensitive`` or ``case_sensitive``, for Parquet, JSON and the like.
        on_error: What a broken row does: ``abort_statement`` loads nothing; ``skip_file`` leaves out
            its file; ``continue`` leaves out the row, and keeps it aside in ``rejects``.
        rejects: Table for rows that were left out, with error, file and line; made if it is not
            there. ``TABLE_REJECTS`` if left out.
        purge: Whether loaded files are removed from the stage.
        force: Whether files are loaded again that were loaded before.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: The stage does not begin with ``@``, or ``on_error`` is none of these.

    Example:
        >>> load = SnowflakeCopy("raw.orders", "@raw.landing", file_format={"type": "csv"})
        >>> load.on_error
        'abort_statement'
    """

    def __init__(
        self,
        table: str,
        stage: str,
        warehouse: str | None = None,
        *,
        file_format: str | Mapping[str, Any] | None = None,
        files: Sequence[str] = (),
        pattern: str | None = None,
        match_by_column_name: str | None = None,
        on_error: str = "abort_statement",
        rejects: str | None = None,
        purge: bool = False,
        force: bool = False,
        **task_kwargs: Any,
    ) -> None:
        super().__init__("", warehouse=warehouse, **task_kwargs)
        if on_error not in ON_ERROR:
            raise FlowError(
                f"SnowflakeCopy {self.name!r} cannot do on_error={on_error!r}",
                where=self._place(),
                fix="one of " + ", ".join(ON_ERROR),
            )
        self.into, self.stage = table, _stage(stage, self)
        self.on_error = on_error
        self.rejects = (rejects or f"{table}_rejects") if on_error == "continue" else None
        if self.rejects:
            self.writes = (*self.writes, self.rejects)
        self.options = {
            "FILE_FORMAT": _format(file_format), "FILES": _sql(list(files)) if files else None,
            "PATTERN": _text(pattern) if pattern else None,
            "MATCH_BY_COLUMN_NAME": (match_by_column_name or "").upper() or None,
            "ON_ERROR": on_error.upper() if on_error != "abort_statement" else None,
            "PURGE": "TRUE" if purge else None, "FORCE": "TRUE" if force else None,
        }  # fmt: skip

    def run(self, warehouse: Any = None) -> Result:  # type: ignore[override]
        """Load them.

        Args:
            warehouse: A :class:`Warehouse` outside a flow; in one, the open connection.

        Returns:
            The number of rows loaded; ``failures`` is the number of broken ones.

        Raises:
            FAIL: Snowflake refused; with ``on_error="abort_statement"`` nothing was loaded then.
        """
        self._make_ready(warehouse)
        return self._on_session(warehouse, self._copied)

    def _copied(self, session: SqlSession, namespace: Namespace) -> Result:
        script = self._script or Script("")
        done = run_script(session, script, None, "all", namespace)
        files = [row for row in done.value or () if len(row) > _FIRST_ERROR]
        broken = sum(int(row[_ERRORS_SEEN] or 0) for row in files)
        first = next((str(row[_FIRST_ERROR]) for row in files if row[_ERRORS_SEEN]), "")
        done = replace(done, value=done.rows or 0)
        if not broken:
            return done
        said = f"{done.message}; {broken:,} broken rows"
        if self.rejects is None:
            return replace(done, message=f"{said}, their files left out: {first}", failures=broken)
        self._keep(session)
        return replace(done, message=f"{said} kept in {self.rejects}: {first}", failures=broken)

    def _keep(self, session: SqlSession) -> None:
        """Keep the rows aside that the last COPY of this session left out."""
        for text in (
            f"CREATE TABLE IF NOT EXISTS {self.rejects} ({_REJECTS})",
            f"INSERT INTO {self.rejects} SELECT NULL, error, file, line, column_name, rejected_record"
            f" FROM TABLE(VALIDATE({self.into}, JOB_ID => '_last'))",
        ):
            session.execute(Statement(text, 1, text.split()[0]))

    def _statement(self, root: Path) -> str:
        options = [f"{name} = {value}" for name, value in self.options.items() if value]
        return " ".join([f"COPY INTO {self.into} FROM {self.stage}", *options])


def _stage(stage: str, task: SqlTask) -> str:
    if not stage.startswith("@") or any(sign in stage for sign in " ;'"):
        raise FlowError(
            f"{type(task).__name__} {task.name!r}: {stage!r} is no stage",
            fix="write @name, @schema.name/path, @%table or @~/path",
        )
    return stage


def _format(given: str | Mapping[str, Any] | None) -> str | None:
    if given is None:
        return None
    options = {"format_name": given} if isinstance(given, str) else given
    return f"({' '.join(f'{name.upper()} = {_sql(value)}' for name, value in options.items())})"


def _sql(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"({', '.join(_sql(item) for item in value)})"
    return _text(str(value))


def _text(value: str) -> str:
    """A text as SQL writes it.

    Example:
        >>> print(_text("it's"))
        'it''s'
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"

"""Files that a warehouse's setting ``files`` gives the names of tables: views over them."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError
from orchestrator.model import context
from orchestrator.model.dataset import Access, Dataset, DatasetKind, Namespace, fold
from orchestrator.model.evidence import Evidence, Source
from tasks.duckdb.instances import is_prepared, prepared
from tasks.duckdb.opening import Opening

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: DuckDB's function for each format.
READERS = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}
_ENDINGS = {"tsv": "csv", "jsonl": "json", "ndjson": "json", **{kind: kind for kind in READERS}}
_ENDING = re.compile(rf"\.({'|'.join(_ENDINGS)})(\.(gz|zst))?$", re.IGNORECASE)
_PATIENCE = 10.0  #: seconds that another transaction may be in the way
_log = logging.getLogger("orchestrator.warehouse")
_making = threading.Lock()


@dataclass(frozen=True)
class FileView:
    """A view over files.

    Args:
        name: Its name: ``orders`` or ``raw.orders``.
        path: The files: an absolute path or an address, with ``*`` and ``**``.
        shown: The path as the setting has it.
        reader: DuckDB's function that reads them.
        options: Of that function.
        place: Where the setting stands.
    """

    name: str
    path: str
    shown: str
    reader: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    place: str = "orchestrator.toml"

    def statement(self) -> str:
        """What makes the view."""
        options = "".join(f", {name} = {value_text(said)}" for name, said in self.options.items())
        return (
            f"CREATE OR REPLACE VIEW {self._quoted(self.name)} AS "
            f"SELECT * FROM {self.reader}({value_text(self.path)}{options})"
        )

    def schema_statement(self) -> str | None:
        """What makes its schema, if it names one."""
        schema, dot, _ = self.name.rpartition(".")
        return f"CREATE SCHEMA IF NOT EXISTS {self._quoted(schema)}" if dot else None

    def dataset(self, namespace: Namespace) -> Dataset:
        """The view as other tasks name it."""
        parts = (fold(part, True, namespace.dialect) for part in self.name.split("."))
        return namespace.resolve(*parts)

    def access(self) -> Access:
        """The files as other tasks name them."""
        text = f"{self.name} is a view over {self.shown}"
        return Access(
            Dataset(None, None, self.shown, DatasetKind.FILE),
            Evidence(Source.ENGINE, text, file="orchestrator.toml"),
        )

    @staticmethod
    def _quoted(name: str) -> str:
        return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def views_of(files: Mapping[str, Any], root: Path, place: str) -> tuple[FileView, ...]:
    """Read the setting ``files``.

    Args:
        files: By name of the view: a path, or ``{path = …, format = …, options = {…}}``.
        root: The project's folder, which paths are relative to.
        place: Where the setting stands.

    Raises:
        ConfigurationError: A value is neither, or its format cannot be told.

    Example:
        >>> views_of({"orders": "data/*.parquet"}, Path("/srv"), "")[0].statement()
        'CREATE OR REPLACE VIEW "orders" AS SELECT * FROM read_parquet(\\'/srv/data/*.parquet\\')'
    """
    return tuple(_view(name, said, root, f"{place}, files.{name}") for name, said in files.items())


def make_views(connection: DuckDBPyConnection, opening: Opening, views: Sequence[FileView]) -> None:
    """Make the views that this process has not made since it opened the database.

    Files that are not there yet are no error: they may be what the first task writes.

    Raises:
        ConfigurationError: DuckDB cannot read the files so, or the name is that of a table.
    """
    if all(is_prepared(opening, view) for view in views):
        return
    with _making:
        for view in views:
            if not is_prepared(opening, view) and _made(connection, view):
                prepared(opening, view)


def _view(name: str, said: Any, root: Path, place: str) -> FileView:
    table: Any = {"path": said} if isinstance(said, str) else said
    if not isinstance(table, Mapping) or not isinstance(table.get("path"), str):
        raise ConfigurationError(
            f"{said!r} is no path", where=place, fix='write files = { orders = "data/*.parquet" }'
        )
    unknown = set(table) - {"path", "format", "options"}
    if unknown or not 1 <= len(name.split(".")) <= 2 or not all(name.split(".")):
        what = f"unknown key {min(unknown)!r}" if unknown else f"{name!r} is no name of a view"
        raise ConfigurationError(
            what, where=place, fix="name it table or schema.table; it has path, format and options"
        )
    shown = os.path.expanduser(table["path"])
    kind = _format(shown, table.get("format"), place)
    if shown.endswith("/") or ("://" not in shown and (root / shown).is_dir()):
        shown = f"{shown.rstrip('/')}/**/*.{kind}*"
    path = shown if "://" in shown else os.path.join(os.path.realpath(root), shown)
    return FileView(name, path, shown, READERS[kind], dict(table.get("options") or {}), place)


def format_of(path: str) -> str | None:
    """The format that a path's ending tells, if it does.

    Example:
        >>> format_of("data/*.jsonl.gz"), format_of("data/")
        ('json', None)
    """
    ending = _ENDING.search(path)
    return _ENDINGS[ending[1].lower()] if ending else None


def _format(path: str, said: Any, place: str) -> str:
    kind = said if said is not None else format_of(path)
    if kind not in READERS:
        what = f"{said!r} is no format" if said is not None else f"the format of {path!r} is open"
        known = ", ".join(f'"{name}"' for name in READERS)
        raise ConfigurationError(what, where=place, fix=f"add format = one of {known}")
    return str(kind)


def _made(connection: DuckDBPyConnection, view: FileView) -> bool:
    import duckdb

    try:
        for statement in filter(None, (view.schema_statement(), view.statement())):
            _executed(connection, statement)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        if isinstance(error, duckdb.IOException) and "No files found" in said:
            _logger().warning("%s: there are no files %s yet", view.name, view.shown)
            return False
        raise ConfigurationError(
            f"the view {view.name} over {view.shown} cannot be made: {said}",
            where=view.place,
            fix="look at the files, format and options, or give the view another name",
        ) from None
    return True


def _executed(connection: DuckDBPyConnection, statement: str) -> None:
    import duckdb

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute(statement)
            return
        except duckdb.TransactionException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else _log


def value_text(said: Any) -> str:
    """Write a value as DuckDB's SQL has it.

    Example:
        >>> value_text({"delim": ";", "header": True})
        "{'delim': ';', 'header': true}"
    """
    if isinstance(said, bool) or said is None:
        return "NULL" if said is None else str(said).lower()
    if isinstance(said, (int, float)):
        return str(said)
    if isinstance(said, Mapping):
        return (
            "{" + ", ".join(f"{value_text(str(k))}: {value_text(v)}" for k, v in said.items()) + "}"
        )
    if isinstance(said, (list, tuple)):
        return "[" + ", ".join(value_text(item) for item in said) + "]"
    return "'" + str(said).replace("'", "''") + "'"

"""A DB-API connection that takes down what runs on it, and passes everything on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from orchestrator.model.dataset import Namespace
from orchestrator.model.executed import StatementRecorder

_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
#: Methods of connections and cursors that take a SQL text as their first argument.
RUN = frozenset({"execute", "executemany", "copy", "copy_expert", "stream"})


class Recorded:
    """Stands for a connection or a cursor in the hands of a user's function.

    Args:
        thing: The connection or cursor; :attr:`unrecorded` gives it back.
        recorder: Takes the statements down.
        namespace: How names in them are read.
        connection: Tells the connections of one attempt apart.
        run: Names of the methods whose first argument is SQL.
    """

    def __init__(
        self,
        thing: Any,
        recorder: StatementRecorder,
        namespace: Namespace,
        *,
        connection: int | None = None,
        run: frozenset[str] = RUN,
    ) -> None:
        self.unrecorded = thing
        self._recorder, self._namespace, self._run = recorder, namespace, run
        self._id = id(thing) if connection is None else connection

    @property
    def __class__(self) -> type:
        """The thing's own: libraries ask for it to know what they deal with."""
        return type(self.unrecorded)

    @__class__.setter
    def __class__(self, other: type) -> None:
        raise TypeError("a connection stays what it is")

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:  # of one that is not made yet, as copying has it
            raise AttributeError(name)
        found = getattr(self.unrecorded, name)
        if name == "cursor":
            return lambda *args, **kwargs: self._wrapped(found(*args, **kwargs))
        return self._recording(found) if name in self._run else found

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        else:
            setattr(self.unrecorded, name, value)

    def __enter__(self) -> Recorded:
        self.unrecorded.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self.unrecorded.__exit__(*error)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.unrecorded)

    def __next__(self) -> Any:
        return next(self.unrecorded)

    def __repr__(self) -> str:
        return repr(self.unrecorded)

    def _recording(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(query: Any, *args: Any, **kwargs: Any) -> Any:
            take_down(query, self.unrecorded, self._recorder, self._namespace, self._id)
            return self._own(method(query, *args, **kwargs))

        return call

    def _own(self, result: Any) -> Any:
        if result is self.unrecorded:
            return self
        # psycopg's Connection.execute gives a new cursor; other results are the driver's own.
        return self._wrapped(result) if hasattr(result, "executemany") else result

    def _wrapped(self, cursor: Any) -> Recorded:
        return Recorded(cursor, self._recorder, self._namespace, connection=self._id, run=self._run)


_OWN = frozenset({"unrecorded", "_recorder", "_namespace", "_run", "_id"})


def take_down(
    query: Any, thing: Any, recorder: StatementRecorder, namespace: Namespace, connection: int
) -> None:
    """Take down a statement that a driver is about to run, with the place it is called from."""
    text = _text(query, thing)
    if text is not None:
        recorder.add(text, namespace, connection=connection, place=_place(sys._getframe(2)))


def unrecorded(connection: Any) -> Any:
    """Give the driver's own connection.

    Example:
        >>> import sqlite3
        >>> con = sqlite3.connect(":memory:")
        >>> unrecorded(Recorded(con, StatementRecorder(), Namespace())) is con
        True
        >>> con.close()
    """
    return getattr(connection, "unrecorded", connection)


def _text(query: Any, thing: Any) -> str | None:
    if isinstance(query, str):
        return query
    if isinstance(query, bytes):
        return query.decode(errors="replace")
    as_string = getattr(query, "as_string", None)  # psycopg's composed queries
    return str(as_string(thing)) if as_string is not None else None


def _place(frame: FrameType | None) -> Callable[[int], str]:
    """File and line of the nearest caller that is no library."""
    seen = frame
    while seen is not None and any(part in seen.f_code.co_filename for part in _LIBRARIES):
        seen = seen.f_back
    found = seen or frame
    place = f"{found.f_code.co_filename}:{found.f_lineno}" if found else ""
    return lambda line: place

"""How a result becomes bytes and comes back the same: JSON, Parquet, pickle."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import PurePosixPath
from typing import Any

from orchestrator.engine.outcome import as_json, safe_text
from orchestrator.errors import ConfigurationError, FlowError

JSON, PARQUET, PICKLE = "json", "parquet", "pickle"
SUFFIX = {JSON: "json", PARQUET: "parquet", PICKLE: "pkl"}
_BY_SUFFIX = {".json": JSON, ".parquet": PARQUET, ".pkl": PICKLE, ".pickle": PICKLE}


def of_suffix(location: str) -> str | None:
    """The format that a file's name tells, if it does."""
    return _BY_SUFFIX.get(PurePosixPath(location).suffix.lower())


def of_bytes(data: bytes) -> str:
    """The format that a file's first bytes tell.

    Example:
        >>> of_bytes(b"[1, 2]"), of_bytes(b"PAR1...")
        ('json', 'parquet')
    """
    if data.startswith(b"PAR1"):
        return PARQUET
    return PICKLE if data.startswith(b"\x80") else JSON


def dump(value: Any, form: str | None = None) -> tuple[bytes, str]:
    """Turn a value into bytes.

    Args:
        value: The value.
        form: The format; if None, JSON or Parquet where they give back the same value, else pickle.

    Raises:
        FlowError: The value does not fit the format.

    Example:
        >>> dump([1, 2])
        (b'[1, 2]', 'json')
    """
    if form is None:
        return _chosen(value)
    if form == PARQUET:
        return _parquet(value), form
    if form == PICKLE:
        return _pickle(value), form
    text = as_json(value)
    if text is None:
        raise FlowError(
            f"a {type(value).__name__} would not come back from JSON as it was",
            fix='return plain lists, dicts and texts, or use serializer="pickle"',
        )
    return text.encode(), form


def load(form: str, data: bytes) -> Any:
    """Turn bytes back into the value.

    Raises:
        ConfigurationError: A Parquet file is to be read without pyarrow.
    """
    if form == JSON:
        return json.loads(data)
    if form == PICKLE:
        return pickle.loads(data)
    return _from_parquet(data)


def _chosen(value: Any) -> tuple[bytes, str]:
    text = as_json(value)
    if text is not None:
        return text.encode(), JSON
    kind = _table_kind(value)
    if kind:
        try:
            data = _parquet(value)
            if _same(value, _from_parquet(data), kind):
                return data, PARQUET
        except Exception:  # without pyarrow, or a table that Parquet has no words for
            return _pickle(value), PICKLE
    return _pickle(value), PICKLE


def _table_kind(value: Any) -> str:
    """``pandas`` or ``arrow`` for a table of that kind, else nothing."""
    module = type(value).__module__.partition(".")[0]
    name = type(value).__name__
    if module == "pandas" and name == "DataFrame":
        return "pandas"
    return "arrow" if module == "pyarrow" and name == "Table" else ""


def _parquet(value: Any) -> bytes:
    kind = _table_kind(value)
    if not kind:
        raise FlowError(
            f"a {type(value).__name__} cannot be written as Parquet",
            fix="return a pandas DataFrame or an Arrow table",
        )
    arrow, parquet = _pyarrow()
    table = arrow.Table.from_pandas(value) if kind == "pandas" else value
    # What came in is what comes out: the reader must not guess.
    metadata = {**(table.schema.metadata or {}), b"orchestrator": kind.encode()}
    out = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata(metadata), out)
    return out.getvalue()


def _from_parquet(data: bytes) -> Any:
    arrow, parquet = _pyarrow()
    table = parquet.read_table(arrow.BufferReader(data))
    metadata = dict(table.schema.metadata or {})
    kind = metadata.pop(b"orchestrator", b"arrow")
    table = table.replace_schema_metadata(metadata or None)
    return table.to_pandas() if kind == b"pandas" else table


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigurationError(
            "Parquet needs pyarrow, which is not installed",
            fix='pip install pyarrow where tasks run, or use serializer="pickle"',
        ) from error
    return pyarrow, pyarrow.parquet


def _same(value: Any, back: Any, kind: str) -> bool:
    if type(back) is not type(value):
        return False
    if kind == "arrow":
        return bool(value.schema.equals(back.schema, check_metadata=True) and value.equals(back))
    from pandas.testing import assert_frame_equal

    if any(t.kind == "O" and t.name == "object" for t in (*value.dtypes, value.index.dtype)):
        return False  # None, NaN and numbers in one column: pandas itself does not tell them apart
    try:
        assert_frame_equal(
            value, back, check_exact=True, check_index_type="exact", check_column_type="exact"
        )
    except AssertionError:
        return False
    return bool(value.attrs == back.attrs)


def _pickle(value: Any) -> bytes:
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value))
    except Exception as error:
        raise FlowError(
            f"a {type(value).__name__} cannot be stored: {safe_text(error)}",
            fix="return something that can be pickled, or leave out persist=, result= and cache=",
        ) from error

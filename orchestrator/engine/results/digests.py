"""Digests that are the same in every process for values and code that are the same."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import pickle
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import CodeType, FunctionType
from typing import Any
from uuid import UUID

from orchestrator.errors import FlowError


class UncacheableError(FlowError):
    """Raised when a value gives no digest by which it could be known again."""


def digest(value: Any) -> str:
    """Return the digest of a value: by its content where its type is known, else by its pickle.

    Raises:
        UncacheableError: It cannot be pickled either.

    Example:
        >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
        True
        >>> digest(1) == digest(True)
        False
    """
    whole = hashlib.blake2b(digest_size=16)
    try:
        for part in _parts(value):
            whole.update(part)
    except RecursionError as error:
        raise UncacheableError(f"a {type(value).__name__} holds itself, or is too deep") from error
    return whole.hexdigest()


def code_digest(fn: Callable[..., Any]) -> str:
    """Return the digest of a function: its code, defaults, closure, and what it uses by name of its
    module: functions, and values that have a digest. Lines and comments do not count.
    """
    whole = hashlib.blake2b(digest_size=16)
    for part in _of_function(inspect.unwrap(fn), set()):
        whole.update(part)
    return whole.hexdigest()


# -- values ----------------------------------------------------------------------------------


def _parts(value: Any) -> Iterator[bytes]:
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes, complex):
        yield _tagged(kind.__name__, repr(value).encode("utf-8", "surrogatepass"))
    elif kind in (list, tuple):
        yield _tagged(kind.__name__, str(len(value)).encode())
        for item in value:
            yield from _parts(item)
    elif kind in (set, frozenset):
        yield _tagged(kind.__name__, "".join(sorted(map(digest, value))).encode())
    elif kind is dict:
        yield _tagged("dict", str(len(value)).encode())
        for _, key, item in sorted((digest(key), key, item) for key, item in value.items()):
            yield from _parts(key)
            yield from _parts(item)
    elif isinstance(value, Enum):
        yield _tagged("enum", f"{kind.__module__}.{kind.__qualname__}.{value.name}".encode())
    elif isinstance(value, date | time | timedelta | tzinfo | Decimal | UUID | PurePath):
        yield _tagged(kind.__name__, repr(value).encode())
    elif _is_plain_record(value):
        yield _tagged("dataclass", f"{kind.__module__}.{kind.__qualname__}".encode())
        yield from _parts({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    else:
        yield from _of_table(value) or (_pickled(value),)


def _is_plain_record(value: Any) -> bool:
    """Whether the fields of a dataclass are all there is to a value."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return False
    fields = {field.name for field in dataclasses.fields(value)}
    return set(getattr(value, "__dict__", fields)) <= fields


def _tagged(kind: str, data: bytes) -> bytes:
    return f"{kind}:{len(data)}:".encode() + data


def _of_table(value: Any) -> tuple[bytes, ...]:
    """The content of a table or an array; nothing for other values."""
    module = type(value).__module__.partition(".")[0]
    try:
        if module == "pandas" and hasattr(value, "index") and hasattr(value, "to_numpy"):
            return _of_pandas(value)
        if module == "pyarrow" and hasattr(value, "combine_chunks") and hasattr(value, "schema"):
            return _of_arrow(value)
        if module == "numpy" and hasattr(value, "dtype") and not value.dtype.hasobject:
            head = f"{value.dtype.str}{value.shape}".encode()
            return _tagged("numpy", head), bytes(value.tobytes())
    except (TypeError, ValueError):  # cells that cannot be hashed: their pickle may do
        return ()
    return ()


def _of_pandas(value: Any) -> tuple[bytes, ...]:
    from pandas.util import hash_pandas_object

    kind = type(value).__name__
    columns = [(repr(c), str(t)) for c, t in value.dtypes.items()] if kind == "DataFrame" else []
    head = (kind, columns, str(getattr(value, "dtype", "")), str(value.index.dtype), value.shape)
    names = (repr(value.index.names), repr(getattr(value, "name", None)))
    rows = hash_pandas_object(value, index=True).to_numpy().tobytes()
    return _tagged("pandas", repr((head, names)).encode()), rows


def _of_arrow(value: Any) -> tuple[bytes, ...]:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, value.schema) as writer:
        writer.write_table(value.combine_chunks())
    return _tagged("arrow", b""), sink.getvalue().to_pybytes()


def _pickled(value: Any) -> bytes:
    try:
        return _tagged(type(value).__qualname__, pickle.dumps(value, protocol=5))
    except Exception as error:
        raise UncacheableError(
            f"a {type(value).__name__} cannot be told from another: {error}"
        ) from error


# -- code ------------------------------------------------------------------------------------


def _of_function(fn: Any, seen: set[Any]) -> Iterator[bytes]:
    if not isinstance(fn, FunctionType):
        fn = getattr(fn, "__func__", fn)
    if not isinstance(fn, FunctionType) or fn in seen:
        return
    seen.add(fn)
    yield from _of_code(fn.__code__)
    for default in (fn.__defaults__, fn.__kwdefaults__):
        yield _if_known(default)
    for cell in fn.__closure__ or ():
        try:
            yield from _of_used(cell.cell_contents, fn, seen)
        except ValueError:  # not filled yet
            continue
    for name in sorted(_names(fn.__code__)):
        if name in fn.__globals__:
            yield name.encode()
            yield from _of_used(fn.__globals__[name], fn, seen)


def _of_used(used: Any, user: FunctionType, seen: set[Any]) -> Iterator[bytes]:
    used = getattr(used, "fn", used)  # a task made of a function
    if isinstance(used, FunctionType):
        if used.__module__ == user.__module__:
            yield from _of_function(inspect.unwrap(used), seen)
    elif not callable(used) and not inspect.ismodule(used):
        yield _if_known(used)


def _of_code(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_flags)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant)
        else:
            yield _if_known(constant)


def _names(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _if_known(value: Any) -> bytes:
    """The digest of a value, or its type where it has none that another process would find."""
    plain = (bool, int, float, str, bytes, complex, type(None), tuple, list, dict, set, frozenset)
    if isinstance(value, plain):
        try:
            return digest(value).encode()
        except UncacheableError:
            pass
    return type(value).__qualname__.encode()

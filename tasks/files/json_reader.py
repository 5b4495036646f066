"""Reads JSON, an object a line or a list of objects, in Arrow batches."""

from __future__ import annotations

import codecs
import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from tasks.files.blocks import blocks
from tasks.files.broken import BrokenRows
from tasks.files.columns import checked_names, schema_of
from tasks.files.failures import BadFileError
from tasks.files.formats import Json
from tasks.files.rows import Row, batch_of, guessed

if TYPE_CHECKING:
    import pyarrow

_BATCH = 20_000  #: rows
_SAMPLE = 20_000  #: rows that are looked at for names and types
_LONGEST = 64 * 2**20  #: bytes of one object
_BETWEEN = " \t\r\n,["


class JsonReader:
    """One JSON file.

    Args:
        address: Its name, for errors.
        stream: It, unpacked.
        form: How it is written.

    Attributes:
        names: Its columns: the keys of its first objects; with :meth:`schema`, the table's too.

    Raises:
        BadFileError: There is no object in it.
    """

    def __init__(self, address: str, stream: IO[bytes], form: Json) -> None:
        self.address, self.form = address, form
        self._found = self._objects(blocks(stream, "utf-8", address))
        self._first = list(itertools.islice(self._found, _SAMPLE))
        keys = dict.fromkeys(
            key for _, value, _ in self._first if isinstance(value, dict) for key in value
        )
        said = () if isinstance(form.types, str) else form.types
        folded = {key.casefold() for key in keys}
        keys.update(dict.fromkeys(key for key in said if key.casefold() not in folded))
        self.names = checked_names(keys, address) if keys else []

    def schema(self, known: pyarrow.Schema | None) -> pyarrow.Schema:
        """Its columns with their types; a key of the table ``known`` that is missing is null."""
        folded = {name.casefold() for name in self.names}
        self.names += [field.name for field in known or () if field.name.casefold() not in folded]
        if not self.names:
            raise BadFileError(f"there is no object in {self.address}", fix="is it JSON lines?")
        return schema_of(self.names, self.form.types, known, self._guess)

    def batches(self, schema: pyarrow.Schema, broken: BrokenRows) -> Iterator[pyarrow.RecordBatch]:
        """Its rows.

        Args:
            schema: Names and types of the columns.
            broken: Takes the lines that are no JSON, and objects that do not fit.

        Raises:
            TooManyBroken: More rows are broken than may be.
            BadFileError: It is a list that is not well formed.
        """
        self._first, found = [], itertools.chain(self._first, self._found)
        columns = {name: number for number, name in enumerate(schema.names)}
        while group := list(itertools.islice(found, _BATCH)):
            rows = []
            for line, value, text in group:
                row = _row(value, columns)
                if isinstance(row, str):
                    broken.add(self.address, line, row, text)
                else:
                    rows.append(Row(line, row, text))
            yield batch_of(rows, schema, self.address, broken)

    def _guess(self, said: dict[str, pyarrow.DataType]) -> dict[str, pyarrow.DataType]:
        objects = [value for _, value, _ in self._first if isinstance(value, dict)]
        return {
            name: guessed(
                float(v) if isinstance(v := value.get(name), Decimal) else v for value in objects
            )
            for name in self.names
            if name not in said
        }

    def _objects(self, parts: Iterator[bytes]) -> Iterator[tuple[int, Any, str]]:
        """Line, value (or why there is none) and text of each object."""
        first = next(parts, b"")
        every = itertools.chain([first], parts)
        return self._of_list(every) if first.lstrip()[:1] == b"[" else self._of_lines(every)

    def _of_lines(self, parts: Iterator[bytes]) -> Iterator[tuple[int, Any, str]]:
        left, number = b"", 0
        for part in itertools.chain(parts, [b"\n"]):
            *lines, left = (left + part).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield number, _value(line), line.decode("utf-8", "backslashreplace")
            if len(left) > _LONGEST:
                raise BadFileError(
                    f"{self.address}: line {number + 1} has no end",
                    fix="is it one JSON document? it is to be an object a line, or a list of objects",
                )

    def _of_list(self, parts: Iterator[bytes]) -> Iterator[tuple[int, Any, str]]:
        decoder, text, at, line = json.JSONDecoder(parse_float=Decimal), "", 0, 1
        incoming = codecs.iterdecode(parts, "utf-8")
        while True:
            begin = at
            while at < len(text) and text[at] in _BETWEEN:
                at += 1
            line += text.count("\n", begin, at)
            try:
                if text[at : at + 1] == "]":
                    return
                value, end = decoder.raw_decode(text, at)
            except json.JSONDecodeError as error:
                text, at = self._more(text[at:], incoming, error, line), 0
                continue
            yield line, value, text[at:end]
            line += text.count("\n", at, end)
            at = end

    def _more(self, text: str, incoming: Iterator[str], error: Exception, line: int) -> str:
        """The text that is not read yet, and what comes next."""
        try:
            more = next(incoming, "")
        except UnicodeDecodeError:
            raise BadFileError(f"{self.address} is not UTF-8", fix="write it as UTF-8") from None
        if not more or len(text) > _LONGEST:
            raise BadFileError(
                f"{self.address} is no JSON list: near line {line}, {error}",
                fix="was it cut while it was copied?",
            )
        return text + more


class _Unread(str):
    """Why a line has no value."""


def _value(line: bytes) -> Any:
    try:
        return json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        return _Unread(f"it is no JSON: {error}")


def _row(value: Any, columns: dict[str, int]) -> list[Any] | str:
    """The values of an object in the order of the columns; what is wrong with it otherwise."""
    if not isinstance(value, dict):
        return value if isinstance(value, _Unread) else "it is no object"
    row: list[Any] = [None] * len(columns)
    for key, item in value.items():
        number = columns.get(key)
        if number is None:
            number = next((n for c, n in columns.items() if c.casefold() == key.casefold()), None)
        if number is None:
            return f"there is no column {key!r}"
        row[number] = item
    return row

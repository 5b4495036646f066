"""Reads CSV in Arrow batches, quickly where a block is sound, row by row where one is not."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from tasks.files.blocks import blocks
from tasks.files.broken import BrokenRows
from tasks.files.columns import checked_names, numbered, schema_of, word_of
from tasks.files.failures import BadFileError
from tasks.files.formats import Csv
from tasks.files.records import LONGEST, Cutter, Piece

if TYPE_CHECKING:
    import pyarrow

_GROUP = 512  #: rows that are tried together where some are broken
_LARGEST = 1 << 30  #: bytes that pyarrow may parse at once; ours are smaller
_COUNT = re.compile(r"Expected (\d+) columns, got (\d+)")
_COLUMN = re.compile(r"In CSV column #(\d+): (?:Row #\d+: )?(.*)", re.DOTALL)
_ROW = re.compile(r"(?:CSV parse error|In CSV column #\d+): Row #(\d+): ")
_VALUE = re.compile(r"invalid value (.*)", re.DOTALL)
#: Numbers that would lose their zeros: codes, not quantities.
_CODE = r"^\s*[+-]?0[0-9]"


class CsvReader:
    """One CSV file.

    Args:
        address: Its name, for errors.
        stream: It, unpacked.
        form: How it is written.

    Attributes:
        names: Its columns.

    Raises:
        BadFileError: It has no header, or one that cannot be read.
    """

    def __init__(self, address: str, stream: IO[bytes], form: Csv) -> None:
        self.address, self.form = address, form
        self._blocks = blocks(stream, form.encoding, address)
        self.names, self._first, self._line = self._head()

    def schema(self, known: pyarrow.Schema | None) -> pyarrow.Schema:
        """Its columns with their types; those of the table ``known`` count before a guess."""
        return schema_of(self.names, self.form.types, known, self._guess)

    def batches(self, schema: pyarrow.Schema, broken: BrokenRows) -> Iterator[pyarrow.RecordBatch]:
        """Its rows, in the order of its own columns.

        Args:
            schema: Types of the columns.
            broken: Takes the rows that do not fit.

        Raises:
            TooManyBroken: More rows are broken than may be.
        """
        parser = _Parser(self.names, schema, self.form)
        cutter = Cutter(self.form, self._line, keep_empty=len(self.names) == 1)
        for piece in self._pieces(cutter):
            if piece.reason:
                broken.add(self.address, piece.line, piece.reason, piece.data)
                continue
            for table in self._sound(piece, cutter, parser, broken):
                yield from table.combine_chunks().to_batches()

    def _pieces(self, cutter: Cutter) -> Iterator[Piece]:
        last = self._first
        for block in self._blocks:
            yield from cutter.cut(last)
            last = block
        yield from cutter.cut(last, last=True)

    def _sound(
        self, piece: Piece, cutter: Cutter, parser: _Parser, broken: BrokenRows
    ) -> Iterator[pyarrow.Table]:
        if not piece.data.strip(b"\r\n") and len(self.names) > 1:
            return
        whole = parser.whole(piece.data)
        if whole is not None:
            yield whole
            return
        records = cutter.records(piece)
        while group := list(itertools.islice(records, _GROUP)):
            refused: list[tuple[Piece, str]] = []
            yield from self._sifted(group, parser, refused)
            for row, reason in sorted(refused, key=lambda found: found[0].line):
                broken.add(self.address, row.line, reason, row.data)

    def _sifted(
        self, group: list[Piece], parser: _Parser, refused: list[tuple[Piece, str]]
    ) -> Iterator[pyarrow.Table]:
        """The sound rows of a group: one after the other that is broken is taken out."""
        found = parser.parsed(b"".join(record.data for record in group), len(group))
        while isinstance(found, _Refused) and found.row is not None:
            refused.append((group.pop(found.row), found.reason))
            found = parser.parsed(b"".join(record.data for record in group), len(group))
        if not isinstance(found, _Refused):
            yield found
        elif len(group) > 1:
            middle = len(group) // 2
            yield from self._sifted(group[:middle], parser, refused)
            yield from self._sifted(group[middle:], parser, refused)
        elif group:
            refused.append((group[0], found.reason))

    # -- the beginning ---------------------------------------------------------------------

    def _head(self) -> tuple[list[str], bytes, int]:
        """The names of the columns, the first block behind them, and the line that it begins at."""
        data = next(self._blocks, b"")
        for block in self._blocks:
            if data.count(b"\n") > self.form.skip_lines or len(data) > LONGEST:
                data += block
                break
            data += block
        skipped = 0
        for _ in range(self.form.skip_lines):
            skipped = data.find(b"\n", skipped) + 1 or len(data)
        data, line = data[skipped:], 1 + self.form.skip_lines
        record = Cutter(self.form).first(data)
        if self.form.header:
            names = self._named(self._values(record))
            return names, data[len(record) :], line + record.count(b"\n")
        if not data.strip() and not self.form.columns:
            raise BadFileError(f"{self.address} is empty", fix="name its columns: Csv(columns=[…])")
        return list(self.form.columns) or numbered(len(self._values(record))), data, line

    def _values(self, record: bytes) -> list[str]:
        if not record.strip():
            raise BadFileError(
                f"{self.address} has no header", fix="say Csv(header=False) if it has rows only"
            )
        form = self.form
        try:
            text = record.decode("utf-8").rstrip("\r\n")
            return next(
                csv.reader(
                    [text],
                    delimiter=form.delimiter,
                    quotechar=form.quote,
                    quoting=csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
                    escapechar=form.escape,
                )
            )
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadFileError(
                f"the first line of {self.address} cannot be read: {error}",
                fix='is it of another encoding? Csv(encoding="latin-1")',
            ) from None

    def _named(self, header: list[str]) -> list[str]:
        given = list(self.form.columns)
        if given and len(given) != len(header):
            raise BadFileError(
                f"{self.address} has {len(header)} columns, not the {len(given)} of columns=",
                fix="its header: " + ", ".join(header),
            )
        other = next((sign for sign in ";\t|," if sign in header[0]), None)
        if len(header) == 1 and other and not given:
            raise BadFileError(
                f"{self.address} has one column {header[0]!r}",
                fix=f"say Csv(delimiter={other!r}), or columns=[…] if it is one",
            )
        return checked_names(given or header, self.address)

    def _guess(self, said: dict[str, pyarrow.DataType]) -> dict[str, pyarrow.DataType]:
        """Types of the columns as the first block looks."""
        cutter = Cutter(self.form, keep_empty=len(self.names) == 1)
        sample = b"".join(p.data for p in cutter.cut(self._first) if not p.reason)
        sample = sample or self._first  # a single line without an end
        return _guessed(sample, self.names, said, self.form)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why rows cannot be read.

    Args:
        reason: What is wrong with one of them.
        row: Which, counted from 0; None where pyarrow does not say.
    """

    reason: str
    row: int | None


class _Parser:
    """pyarrow's parser, for one schema."""

    def __init__(self, names: list[str], schema: pyarrow.Schema, form: Csv) -> None:
        import pyarrow

        self._invalid = pyarrow.ArrowInvalid
        self._names = names
        types = {name: schema.field(name).type for name in names}
        self.schema = pyarrow.schema([(name, types[name]) for name in names])
        read_as = {name: _read_as(kind, form) for name, kind in types.items()}
        self._options = _options(names, form, read_as)

    def whole(self, data: bytes) -> pyarrow.Table | None:
        """Parse a block; None if a row of it is broken."""
        if not _only_pairs(data):
            return None
        found = self.parsed(data, None)
        return None if isinstance(found, _Refused) else found

    def parsed(self, data: bytes, rows: int | None) -> pyarrow.Table | _Refused:
        """Parse rows; why not, if one is broken."""
        import pyarrow
        from pyarrow import csv as arrow_csv

        if not data:
            return self.schema.empty_table()
        try:
            table = arrow_csv.read_csv(pyarrow.py_buffer(data), **self._options)
            if rows is not None and table.num_rows != rows:
                return _Refused("an end of line stands in the middle of a value", None)
            return table if table.schema.equals(self.schema) else table.cast(self.schema)
        except self._invalid as error:
            said = str(error)
            at = _ROW.match(said)
            counted = at is not None and _only_pairs(data)
            return _Refused(self._reason(said), int(at[1]) - 1 if at and counted else None)

    def _reason(self, said: str) -> str:
        if found := _COUNT.search(said):
            return f"it has {_columns(int(found[2]))}, not {found[1]}"
        if found := _COLUMN.search(said):
            name, what = self._names[int(found[1])], found[2]
            if "invalid UTF8" in what:
                return f"{name}: it is not in the encoding of the file"
            if value := _VALUE.search(what):
                return f"{name}: {value[1]} is no {word_of(self.schema.field(name).type)}"
            if "data loss" in what or "precision" in what:
                return f"{name}: it has more digits than {word_of(self.schema.field(name).type)}"
            return f"{name}: {what}"
        return said.splitlines()[0]


def _guessed(
    sample: bytes, names: list[str], said: dict[str, pyarrow.DataType], form: Csv
) -> dict[str, pyarrow.DataType]:
    import pyarrow
    from pyarrow import compute

    text = pyarrow.string()
    if not sample.strip(b"\r\n"):
        return dict.fromkeys(names, text)
    found = _tolerant(sample, names, form, dict.fromkeys(said, text))
    types = {name: _settled(found.schema.field(name).type) for name in names}
    whole = [name for name in names if pyarrow.types.is_integer(types[name])]
    if whole:  # are they numbers, or codes?
        texts = _tolerant(sample, names, form, dict.fromkeys(whole, text), only=whole)
        for name in whole:
            if compute.any(compute.match_substring_regex(texts.column(name), _CODE)).as_py():
                types[name] = text
    return types


def _settled(kind: pyarrow.DataType) -> pyarrow.DataType:
    """A guessed type as warehouses have it."""
    import pyarrow
    from pyarrow import types

    if types.is_null(kind) or types.is_binary(kind) or types.is_time(kind):
        return pyarrow.string()
    return pyarrow.timestamp("us", kind.tz) if types.is_timestamp(kind) else kind


def _tolerant(
    sample: bytes,
    names: list[str],
    form: Csv,
    types: dict[str, pyarrow.DataType],
    only: Sequence[str] = (),
) -> pyarrow.Table:
    """Parse a sample, rows of another length left out."""
    import pyarrow
    from pyarrow import csv as arrow_csv

    options = _options(names, form, types)
    options["convert_options"].include_columns = list(only)
    options["parse_options"].invalid_row_handler = lambda row: "skip"
    try:
        return arrow_csv.read_csv(pyarrow.py_buffer(sample), **options)
    except pyarrow.ArrowInvalid:
        none = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in names])
        return none.empty_table()


def _options(names: list[str], form: Csv, types: dict[str, pyarrow.DataType]) -> dict[str, Any]:
    from pyarrow import csv as arrow_csv

    read = arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=_LARGEST)
    parse = arrow_csv.ParseOptions(
        delimiter=form.delimiter,
        quote_char=form.quote or False,
        double_quote=form.quote is not None,
        escape_char=form.escape or False,
        newlines_in_values=form.quote is not None or form.escape is not None,
        ignore_empty_lines=len(names) > 1,
    )
    convert = arrow_csv.ConvertOptions(
        column_types=types,
        null_values=list(form.null_values),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        decimal_point=form.decimal_point,
        timestamp_parsers=list(form.timestamp_formats) or None,
    )
    return {"read_options": read, "parse_options": parse, "convert_options": convert}


def _read_as(kind: pyarrow.DataType, form: Csv) -> pyarrow.DataType:
    """The type that pyarrow can read directly: dates of a format of their own come as timestamps."""
    import pyarrow

    if form.timestamp_formats and pyarrow.types.is_date32(kind):
        return pyarrow.timestamp("s")
    return kind


def _only_pairs(data: bytes) -> bool:
    """Whether each CR is followed by LF: pyarrow takes a lone one for the end of a row."""
    return data.count(b"\r") == data.count(b"\r\n")


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count} columns"

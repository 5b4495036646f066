"""The formats of files as people choose them: CSV, Parquet, JSON lines and Excel, with their options."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError

if TYPE_CHECKING:
    import pyarrow

#: Types of columns by the name people give them, or one for all columns.
Types = Mapping[str, Any] | str
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".lz4")
_DECIMAL = re.compile(r"(?:decimal|numeric|number)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_LENGTH = re.compile(r"\s*\(\s*\d+\s*\)$")


@dataclass(frozen=True)
class Csv:
    """Comma-separated values, and their relatives.

    Args:
        delimiter: One character between values.
        encoding: Of the text, as Python names it.
        header: Whether the first line names the columns (read), or is written.
        columns: Names of the columns, where no line names them, or in the place of those it gives.
        types: Of columns, in SQL's words (``{"zip": "text", "price": "decimal(10,2)"}``), or one for
            all; those left out are taken from the table, or guessed from the first megabytes.
        null_values: What stands for no value, where it is not quoted.
        quote: One character around values; None where nothing is quoted.
        escape: One character that takes the next one's meaning away; None: a quote is doubled.
        skip_lines: Lines before the header (or the first row).
        decimal_point: ``.`` or ``,``.
        timestamp_formats: As of ``strptime`` (``"%d.%m.%Y %H:%M"``); ISO 8601 if left out.

    Raises:
        FlowError: An option makes no sense.

    Example:
        >>> Csv(delimiter=";", decimal_point=",", encoding="latin-1").delimiter
        ';'
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    header: bool = True
    columns: Sequence[str] = ()
    types: Types = field(default_factory=dict)
    null_values: Sequence[str] = ("",)
    quote: str | None = '"'
    escape: str | None = None
    skip_lines: int = 0
    decimal_point: str = "."
    timestamp_formats: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("delimiter", "quote", "escape", "decimal_point"):
            sign = getattr(self, name)
            if sign is not None and (len(sign) != 1 or not sign.isascii() or sign in "\r\n"):
                raise FlowError(
                    f"{name} of a CSV file cannot be {sign!r}", fix="give one ASCII character"
                )
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise FlowError(
                f"encoding {self.encoding!r} is not known", fix='as Python names it: "latin-1"'
            ) from None
        checked_types(self.types)


@dataclass(frozen=True)
class Parquet:
    """Parquet, which knows its types.

    Args:
        columns: Those to read; all if left out.
        compression: What pages are written with.
    """

    columns: Sequence[str] = ()
    compression: str = "zstd"


@dataclass(frozen=True)
class Json:
    """JSON: an object on each line; a list of objects is read, too.

    Values that are lists or objects arrive as JSON text, in any warehouse.

    Args:
        types: As of :class:`Csv`.
    """

    types: Types = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked_types(self.types)


@dataclass(frozen=True)
class Excel:
    """A sheet of an Excel workbook (.xlsx).

    Args:
        sheet: Its name; the first one if left out.
        header: Whether the first row names the columns.
        columns: As of :class:`Csv`.
        types: As of :class:`Csv`.
        skip_rows: Rows before the header (or the first row).
    """

    sheet: str | None = None
    header: bool = True
    columns: Sequence[str] = ()
    types: Types = field(default_factory=dict)
    skip_rows: int = 0

    def __post_init__(self) -> None:
        checked_types(self.types)


Format = Csv | Parquet | Json | Excel
_BY_NAME: dict[str, type[Format]] = {
    "csv": Csv,
    "parquet": Parquet,
    "json": Json,
    "excel": Excel,
}


def format_of(said: Format | str | None, address: str) -> Format:
    """The format that was said, or that the address ends in.

    Args:
        said: A format, its name, or None.
        address: Of the file, or a pattern of files.

    Raises:
        FlowError: It is not known.

    Example:
        >>> type(format_of(None, "in/*.csv.gz")).__name__, type(format_of("json", "log.txt")).__name__
        ('Csv', 'Json')
    """
    if isinstance(said, Csv | Parquet | Json | Excel):
        return said
    if said is not None:
        kind = _BY_NAME.get(str(said).lower())
        if kind is not None:
            return kind()
    name = address.lower().rstrip("/")
    for packed in _PACKED:
        name = name.removesuffix(packed)
    found = next((form for ending, form in _BY_ENDING.items() if name.endswith(ending)), None)
    if found is None or said is not None:
        raise FlowError(
            f"the format of {address} is not known" if said is None else f"no format {said!r}",
            fix="give format= one of "
            + ", ".join(map(repr, _BY_NAME))
            + ", or Csv(…) and the like",
        )
    return found


def checked_types(types: Types) -> None:
    """Look whether all types are known, where pyarrow is there to tell.

    Raises:
        FlowError: One is not.
    """
    for name in [types] if isinstance(types, str) else types.values():
        if (
            isinstance(name, str)
            and _plain(name) not in _NAMES
            and not _DECIMAL.match(_plain(name))
        ):
            raise FlowError(
                f"type {name!r} of a column is not known",
                fix="say one of " + ", ".join(_NAMES) + ", decimal(10,2)",
            )


def arrow_type(name: Any) -> pyarrow.DataType:
    """Arrow's type of a name that :func:`checked_types` let pass, or of itself.

    Example:
        >>> arrow_type("decimal(10,2)"), arrow_type("VARCHAR(20)"), arrow_type("bigint")
        (Decimal128Type(decimal128(10, 2)), DataType(string), DataType(int64))
    """
    import pyarrow

    if not isinstance(name, str):
        return name
    plain = _plain(name)
    if found := _DECIMAL.match(plain):
        return pyarrow.decimal128(int(found[1]), int(found[2] or 0))
    made = getattr(pyarrow, _NAMES[plain][0])
    return made(*_NAMES[plain][1:])


def said_type(types: Types, column: str) -> Any:
    """What was said of a column; None if nothing."""
    if isinstance(types, str):
        return types
    folded = {name.casefold(): kind for name, kind in types.items()}
    return folded.get(column.casefold())


def _plain(name: str) -> str:
    plain = " ".join(name.lower().split())
    return plain if _DECIMAL.match(plain) else _LENGTH.sub("", plain)


#: SQL's names of types: the function of pyarrow that makes each, and its arguments.
_NAMES: dict[str, tuple[Any, ...]] = {
    "text": ("string",), "varchar": ("string",), "string": ("string",), "char": ("string",),
    "json": ("string",),
    "integer": ("int32",), "int": ("int32",), "smallint": ("int16",), "bigint": ("int64",),
    "double": ("float64",), "double precision": ("float64",), "float": ("float64",),
    "real": ("float32",),
    "boolean": ("bool_",), "bool": ("bool_",),
    "date": ("date32",), "time": ("time64", "us"),
    "timestamp": ("timestamp", "us"), "datetime": ("timestamp", "us"),
    "timestamptz": ("timestamp", "us", "UTC"),
    "timestamp with time zone": ("timestamp", "us", "UTC"),
    "numeric": ("decimal128", 38, 9), "decimal": ("decimal128", 38, 9),
}  # fmt: skip
_BY_ENDING: dict[str, Format] = {
    ".csv": Csv(),
    ".txt": Csv(),
    ".tsv": Csv(delimiter="\t"),
    ".tab": Csv(delimiter="\t"),
    ".parquet": Parquet(),
    ".pq": Parquet(),
    ".json": Json(),
    ".jsonl": Json(),
    ".ndjson": Json(),
    ".xlsx": Excel(),
    ".xlsm": Excel(),
}

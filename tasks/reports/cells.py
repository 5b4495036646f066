"""The cells of a sheet: each value as what it is, texts as texts whatever they begin with."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tasks.reports.tables import is_number
from tasks.reports.values import text

_EXACT = 10**15  #: larger whole numbers would lose digits: Excel keeps fifteen
_LONGEST = 32_767  #: characters of a cell
_WIDEST, _NARROWEST = 60.0, 8.0


class Cells:
    """Makes the rows of one sheet; its cells are used again for each row, as the writer allows.

    Args:
        sheet: A sheet that is only written.
        schema: Of the rows, in Arrow's types.
        formats: Column, and Excel's format of its numbers and times.
    """

    def __init__(self, sheet: Any, schema: Any, formats: Mapping[str, str]) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment, Border, Font, Side

        self._sheet = sheet
        self._cell = WriteOnlyCell
        self._bold = Font(bold=True)
        self._under = Border(bottom=Side(style="thin"))
        self._right = Alignment(horizontal="right")
        self._numeric = [is_number(field.type) for field in schema]
        self._formats = [formats.get(field.name) or _format(field.type) for field in schema]
        self._again = [WriteOnlyCell(sheet) for _ in schema]
        for cell, form in zip(self._again, self._formats, strict=True):
            if form:
                cell.number_format = form

    def heading(self, labels: Sequence[str]) -> list[Any]:
        """The first row."""
        cells = []
        for label, numeric in zip(labels, self._numeric, strict=True):
            cell = self._cell(self._sheet)
            _put(cell, _plain(label))
            cell.font, cell.border = self._bold, self._under
            if numeric:
                cell.alignment = self._right
            cells.append(cell)
        return cells

    def row(self, values: Sequence[Any]) -> Iterator[Any]:
        """One row of values; a cell of our own only where a bare value would not do."""
        for value, cell, form in zip(values, self._again, self._formats, strict=True):
            value = _plain(value)
            risky = isinstance(value, str) and value[:1] in ("=", "#")
            if value is None or not (form or risky):
                yield value
                continue
            _put(cell, value)
            if form and cell.number_format != form:  # a time brings a format of its own
                cell.number_format = form
            yield cell

    def total(self, values: Sequence[Any]) -> Iterator[Any]:
        """The last row, in bold."""
        for value, form in zip(values, self._formats, strict=True):
            cell = self._cell(self._sheet)
            _put(cell, _plain(value))
            cell.font = self._bold
            if form:
                cell.number_format = form
            yield cell


def width(label: str, values: Sequence[Any]) -> float:
    """How wide a column is to be, in Excel's unit: characters.

    Example:
        >>> width("id", [1, 2]), width("name", ["a" * 100])
        (8.0, 60.0)
    """
    longest = max((len(_shown(value)) for value in values), default=0)
    return min(_WIDEST, max(_NARROWEST, longest * 1.1 + 1, len(label) * 1.1 + 3))


def _shown(value: Any) -> str:
    found = f"{value:,}" if isinstance(value, int | float | Decimal) else text(value)
    return max(found.split("\n"), key=len)


def _format(kind: Any) -> str | None:
    import pyarrow.types as types

    if types.is_decimal(kind):
        return "#,##0" + ("." + "0" * kind.scale if kind.scale > 0 else "")
    if types.is_timestamp(kind):
        return "yyyy-mm-dd hh:mm:ss"
    return "yyyy-mm-dd" if types.is_date(kind) else None


def _put(cell: Any, value: Any) -> None:
    if isinstance(value, str):
        cell.value = ""  # what begins like a formula is none
        cell._value, cell.data_type = value, "s"
    else:
        cell.value = value


def _plain(value: Any) -> Any:
    """What a cell can hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int | Decimal):
        return value if -_EXACT < value < _EXACT else str(value)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    if isinstance(value, dt.date):  # Excel's days begin in 1900
        return value if value.year >= 1900 else value.isoformat()
    return _clean(value if isinstance(value, str) else text(value))


def _clean(words: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", words)[:_LONGEST]

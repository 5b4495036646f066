"""How values are written for people: numbers with commas, times without noise, nothing as nothing."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from orchestrator.errors import FlowError

_MOST_DECIMALS = 4
_LONGEST = 2000  #: characters of one cell
#: Numbers that count or name something are no amounts: no commas.
_NO_COMMAS = re.compile(r"(^|_)(id|key|year|zip|code|postcode)$", re.IGNORECASE)


def writer(name: str, values: Iterable[Any], form: str | None = None) -> Callable[[Any], str]:
    """Return what writes the values of a column.

    Args:
        name: The column.
        values: Those that are shown; they decide on the number of decimals.
        form: A format as Python has it (``",.2f"``, ``"€ {:,.2f}"``).

    Raises:
        FlowError: It is no format of numbers.

    Example:
        >>> write = writer("price", [1234.5, 2.0])
        >>> write(1234.5), write(2.0), write(None)
        ('1,234.5', '2.0', '')
        >>> writer("share", [], ".1%")(0.256)
        '25.6%'
    """
    if form is not None:
        pattern = form if "{" in form else "{:" + form + "}"
        _try(pattern, name)
        return lambda value: pattern.format(value) if _number(value) else text(value)
    decimals = max((_decimals(value) for value in values), default=0)
    comma = "" if _NO_COMMAS.search(name) else ","
    plain = f"{comma}.{decimals}f"

    def write(value: Any) -> str:
        if isinstance(value, bool) or not _number(value):
            return text(value)
        return format(value, f"{comma}d" if isinstance(value, int) else plain)

    return write


def text(value: Any) -> str:
    """Write any value.

    Example:
        >>> text(dt.datetime(2026, 3, 1, 7, 30)), text(dt.date(2026, 3, 1)), text(["a"])
        ('2026-03-01 07:30', '2026-03-01', '["a"]')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return _time(value)
    if isinstance(value, bytes):
        return value[:32].hex()
    if isinstance(value, dict | list | tuple):
        value = json.dumps(value, ensure_ascii=False, default=str)
    found = str(value)
    return found if len(found) <= _LONGEST else found[:_LONGEST] + "…"


def _time(value: dt.datetime) -> str:
    whole = value.replace(microsecond=0)
    shown = whole.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")
    return shown + (value.strftime(" %Z") if value.tzinfo else "")


def _number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _decimals(value: Any) -> int:
    if isinstance(value, Decimal):
        return min(_MOST_DECIMALS, max(0, -int(value.as_tuple().exponent)))
    if not isinstance(value, float) or not math.isfinite(value):
        return 0
    found = f"{value:.{_MOST_DECIMALS}f}".rstrip("0").rpartition(".")[2]
    return max(1, len(found))


def _try(pattern: str, name: str) -> None:
    try:
        pattern.format(1.5)
    except (ValueError, IndexError, KeyError, AttributeError):
        raise FlowError(
            f"column {name!r}: {pattern!r} is no format of numbers",
            fix='write it as Python does: ",.2f", ".1%", "€ {:,.2f}"',
        ) from None

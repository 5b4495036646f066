"""Foreign text made safe to print, and numbers, times and durations in words."""

from __future__ import annotations

import re
from datetime import datetime

from rich.cells import cell_len, set_cell_size

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # strings for the device
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
#: Control characters, marks that turn the direction of text round, and lone surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BREAKS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def clean(value: object) -> str:
    """Return text without escape sequences and control characters; line breaks stay.

    Example:
        >>> clean("\\x1b[31mred\\x1b[0m\\x07")
        'red'
    """
    text = value if isinstance(value, str) else str(value)
    text = _BREAKS.sub("\n", _ESCAPES.sub("", text))
    return _UNSEEN.sub("", text).expandtabs(4)


def one_line(value: object) -> str:
    """Return text as :func:`clean` does, on one line.

    Example:
        >>> one_line("first\\n  second")
        'first second'
    """
    return " ".join(clean(value).split())


def first_line(value: object) -> str:
    """Return the first line that is not blank, cleaned."""
    return next((one_line(line) for line in clean(value).splitlines() if line.strip()), "")


def shorten(text: str, width: int) -> str:
    """Cut text to a number of columns; what was cut leaves an ellipsis.

    Example:
        >>> shorten("stg_flights", 6)
        'stg_f…'
    """
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """Cut or fill text to exactly a number of columns."""
    return set_cell_size(shorten(text, width), width)


def duration(seconds: float) -> str:
    """Say how long something took.

    Example:
        >>> duration(0.117), duration(75), duration(3720)
        ('0.12 s', '1m 15s', '1h 02m')
    """
    seconds = max(seconds, 0.0)
    if round(seconds, 2) < 10:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02d}m"
    return f"{hours // 24}d {hours % 24:02d}h"


def roughly(seconds: float) -> str:
    """Say how long something will take, as far as that can be known.

    Example:
        >>> roughly(7.6), roughly(75)
        ('8 s', '1m 15s')
    """
    return f"{round(max(seconds, 0))} s" if round(seconds) < 60 else duration(seconds)


def counted(number: int, noun: str) -> str:
    """Say how many of a thing there are.

    Example:
        >>> counted(1, "row"), counted(1234, "row")
        ('1 row', '1,234 rows')
    """
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def clock(instant: datetime) -> str:
    """The time of day of an instant, where the reader is."""
    return instant.astimezone().strftime("%H:%M:%S")


def moment(instant: datetime) -> str:
    """Day and time of an instant, where the reader is."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def listed(names: list[str], most: int) -> str:
    """Join names; beyond ``most`` only their number is given.

    Example:
        >>> listed(["a", "b", "c"], 2)
        'a, b and 1 more'
    """
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"

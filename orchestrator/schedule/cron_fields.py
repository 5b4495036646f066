"""The fields of cron expressions: text in, numbers out, and errors that name the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from orchestrator.errors import FlowError

LAST_DAY, LAST_WEEKDAY = "L", "LW"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?P<low>\*|\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\w+))?", re.ASCII)
_NTH = re.compile(r"(?P<day>\w+)#(?P<nth>\d+)|(?P<last>\w+)L", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class _Field:
    """One field: what it is called, its values, and words for them."""

    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()
    first_word: int = 0

    @property
    def span(self) -> str:
        names = f", or {self.words[0].upper()} to {self.words[-1].upper()}" if self.words else ""
        return f"{self.least} to {self.most}{names}"


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


class Reader:
    """Reads one field of an expression, and says of errors where they are."""

    def __init__(self, text: str, number: int) -> None:
        self.text, self.number, self.field = text, number, FIELDS[number]

    def values(self, word: str) -> set[int]:
        """The numbers that a field names."""
        found: set[int] = set()
        for part in word.split(","):
            found |= self._part(part)
        return found

    def days(self, word: str) -> tuple[frozenset[int | str], frozenset[tuple[int, int]]]:
        """The days that a day field names, by number and by their place in the month."""
        numbers: set[int | str] = set()
        places: set[tuple[int, int]] = set()
        for part in ("*" if word == "?" else word).split(","):
            place = _NTH.fullmatch(part)
            if self.number == 2 and part.upper() in (LAST_DAY, LAST_WEEKDAY):
                numbers.add(part.upper())
            elif self.number == 4 and place:
                places.add(self._place(part, place))
            else:
                numbers |= self._part(part)
        return frozenset(numbers), frozenset(places)

    def _place(self, part: str, match: re.Match[str]) -> tuple[int, int]:
        day = self._number(match["day"] or match["last"]) % 7
        nth = int(match["nth"]) if match["nth"] else -1
        if nth == 0 or nth > 5:
            self._refuse(f"{part!r} names week {nth} of a month", "a month has weeks #1 to #5")
        return day, nth

    def _part(self, part: str) -> set[int]:
        match = _PART.fullmatch(part)
        if match is None or (match["low"] == "*" and match["high"]):
            self._refuse(f"{part!r} cannot be read", "write a number, *, 1-5, */15 or a list 1,2,3")
        field = self.field
        if match["low"] == "*":
            low, high = field.least, field.most - (self.number == 4)
        else:
            low = self._number(match["low"])
            high = self._end(match, low)
        if high < low:
            first, second = part.split("/")[0].split("-")
            self._refuse(
                f"the range {part!r} runs backwards",
                f"write two: {first}-{field.most - (self.number == 4)},{field.least}-{second}",
            )
        return set(range(low, high + 1, self._step(match, part)))

    def _end(self, match: re.Match[str], low: int) -> int:
        if match["high"]:
            high = self._number(match["high"])
            return 7 if self.number == 4 and high == 0 and low else high
        return self.field.most - (self.number == 4) if match["step"] else low

    def _step(self, match: re.Match[str], part: str) -> int:
        step = match["step"]
        if step is None:
            return 1
        if not step.isdigit() or not 0 < int(step) <= self.field.most:
            self._refuse(f"the step of {part!r} is not 1 to {self.field.most}", "write it as */15")
        return int(step)

    def _number(self, word: str) -> int:
        field = self.field
        if word in field.words:
            return field.words.index(word) + field.first_word
        if not word.isdigit() or not field.least <= int(word) <= field.most:
            self._refuse(
                f"the {field.name} {word!r} is not {field.span}",
                f"write {field.span}; the fields are {', '.join(f.name for f in FIELDS)}",
            )
        return int(word)

    def _refuse(self, what: str, fix: str) -> NoReturn:
        where = f"{self.text!r}, field {self.number + 1}: {self.field.name}"
        raise FlowError(what, where=where, fix=fix)

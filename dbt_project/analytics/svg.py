"""Small helpers to write SVG and HTML by hand: escaped elements, scales, accessible figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise

#: Width of every chart in its own units; the page scales it to the column.
WIDTH = 720


class Markup(str):
    """Text that is markup already; every other string is escaped when it enters an element."""

    __slots__ = ()


def element(name: str, *children: object, **attributes: object) -> Markup:
    """Write one element.

    Args:
        name: Tag.
        children: ``Markup`` goes in as it is, anything else as escaped text.
        attributes: ``class_`` stands for ``class`` and ``stroke_width`` for ``stroke-width``;
            floats are rounded to a tenth; None leaves the attribute out.

    Example:
        >>> element("text", "a < b", class_="label", x=1.234)
        '<text class="label" x="1.2">a &lt; b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*parts: object) -> Markup:
    """Put parts together, escaping what is not markup."""
    return Markup(
        "".join(part if isinstance(part, Markup) else escape(str(part)) for part in parts)
    )


def text(
    x: float, y: float, content: object, class_: str = "label", anchor: str = "start"
) -> Markup:
    """Write a line of text; ``y`` is its baseline."""
    return element("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str = "rule") -> Markup:
    """Write a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def tooltip(content: str) -> Markup:
    """Write what a pointer shows when it rests on a mark."""
    return element("title", content)


def figure(identifier: str, title: str, description: str, height: float, *marks: object) -> Markup:
    """Write a chart that a screen reader announces by its title and description.

    Args:
        identifier: Unique on the page.
        title: What the chart is of.
        description: What it shows, for those who cannot see it.
        height: In the chart's units (its width is ``WIDTH``).
    """
    names = f"{identifier}-title", f"{identifier}-description"
    return element(
        "svg",
        element("title", title, id=names[0]),
        element("desc", description, id=names[1]),
        *marks,
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        role="img",
        aria_labelledby=" ".join(names),
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight map from data to chart units.

    Example:
        >>> Scale(0, 10, 100, 200)(5)
        150.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return round values within the scale, about as many as wanted.

        Example:
            >>> Scale(0, 43, 0, 1).ticks(4)
            [0.0, 10.0, 20.0, 30.0, 40.0]
        """
        rough = (self.high - self.low) / max(wanted, 1) or 1.0
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * round_ for round_ in (1, 2, 5, 10) if power * round_ >= rough * 0.9)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 10) for index in range(first, last + 1)]


def apart(positions: list[float], distance: float) -> list[float]:
    """Move positions apart, keeping their order, so that labels do not overlap.

    Example:
        >>> apart([10, 12, 40], 10)
        [10, 20, 40]
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + distance)
    return moved


def number(value: float, decimals: int = 0, sign: bool = False) -> str:
    """Write a number with a true minus and without a negative zero.

    Example:
        >>> number(-0.04, 1), number(3.2, sign=True)
        ('0.0', '+3')
    """
    rounded = round(value, decimals) + 0.0
    return f"{rounded:{'+' if sign and rounded else ''}.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _value(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)

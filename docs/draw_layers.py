"""Draws the levels of the house, from the table in docs/architecture.md, as a picture.

python docs/draw_layers.py            # draws it
python docs/draw_layers.py --check    # says whether it is up to date
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

from reference_page import keep

PAGE = Path(__file__).with_name("architecture.md")
PICTURE = PAGE.parent / "images" / "layers.svg"
ROW = re.compile(r"^\| (\d+) \| `([\w.]+)` \|", re.MULTILINE)
#: What each level is for; mid tones with white text hold on white and on near black.
SAYS = {
    0: ("ground", "#6b7280"),
    1: ("the words, as plain values", "#8a5a83"),
    2: ("lineage, schedules, processes", "#2f6db3"),
    3: ("where state is kept, where work runs", "#2f6db3"),
    4: ("driving a run", "#2f6db3"),
    5: ("a user's project", "#3b8250"),
    6: ("what is told to programs", "#3b8250"),
    7: ("over HTTP", "#bf5420"),
    8: ("on the terminal", "#bf5420"),
    9: ("the library of tasks", "#bf5420"),
}
GREY = "#848b95"
LETTER, HIGH, GAP, LEFT, WIDE = 7.3, 26, 12, 46, 880


def levels() -> dict[int, list[str]]:
    """The places of each level."""
    found: dict[int, list[str]] = {}
    for level, place in ROW.findall(PAGE.read_text(encoding="utf-8")):
        found.setdefault(int(level), []).append(place.removeprefix("orchestrator."))
    return found


def picture() -> str:
    """Return the picture: the highest level on top, each may import what is below."""
    found = levels()
    parts: list[str] = []
    top = GAP
    for level in sorted(found, reverse=True):
        says, colour = SAYS[level]
        rows = _rows([place.strip("_") for place in found[level]])
        high = 20 + len(rows) * (HIGH + 6) + 4
        parts.append(
            f'<rect x="{LEFT - 8}" y="{top}" width="{WIDE - LEFT}" height="{high}" rx="6"'
            f' fill="{colour}" fill-opacity=".1" stroke="{colour}" stroke-opacity=".5"/>'
        )
        parts.append(f'<text x="14" y="{top + high / 2 + 4:g}" fill="{GREY}">{level}</text>')
        parts.append(f'<text x="{LEFT}" y="{top + 15}" fill="{GREY}">{escape(says)}</text>')
        for number, row in enumerate(rows):
            parts += _boxes(row, top + 21 + number * (HIGH + 6), colour)
        top += high + GAP
    return "\n".join([_head(top), *parts, "</svg>\n"])


def _head(high: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" width="{WIDE}"'
        f' height="{high}" role="img"'
        ' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12">\n'
        "<title>The levels: a module imports only from lower ones</title>"
    )


def _rows(places: list[str]) -> list[list[str]]:
    """The places, as many in a row as there is room for."""
    rows: list[list[str]] = [[]]
    for place in places:
        if sum(_wide(each) + 8 for each in [*rows[-1], place]) > WIDE - LEFT - 16:
            rows.append([])
        rows[-1].append(place)
    return rows


def _boxes(row: list[str], top: int, colour: str) -> list[str]:
    parts, left = [], float(LEFT)
    for place in row:
        wide = _wide(place)
        parts.append(
            f'<rect x="{left:g}" y="{top}" width="{wide:g}" height="{HIGH}" rx="4" fill="{colour}"/>'
        )
        parts.append(
            f'<text x="{left + wide / 2:g}" y="{top + 17}" text-anchor="middle" fill="#fff">'
            f"{escape(place)}</text>"
        )
        left += wide + 8
    return parts


def _wide(place: str) -> float:
    return round(len(place) * LETTER + 20, 1)


def main() -> int:
    """Draw the picture, or compare it."""
    return keep(PICTURE, picture())


if __name__ == "__main__":
    sys.exit(main())

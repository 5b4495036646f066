"""Writes contents in their layout as SVG text that reads on light and on dark pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from orchestrator.drawing.contents import Box, Contents, Line
from orchestrator.drawing.layout import HIGH, Layout, Place, arrange
from orchestrator.model.state import StateType

_LETTER, _MARGIN, _HEAD, _FOOT = 7.0, 14.0, 34.0, 20.0
_LONGEST = 44
#: Mid tones, which hold on white and on near black; words are in the page's own colour.
_DBT = frozenset({"model", "seed", "snapshot", "test", "unit_test", "operation", "exposure"})
_GREY = "#8a8f98"
KINDS = {
    "dbt": "#d0662f", "SQL": "#3f7fc4", "Python": "#b39b2d", "parameter": "#8d6fc0",
    "folder": _GREY, "other": _GREY,
}  # fmt: skip
STATES = {
    StateType.SUCCESS: "#3f9a5f", StateType.CACHED: "#4a9aa0", StateType.FAILED: "#d24b4b",
    StateType.TIMED_OUT: "#d24b4b", StateType.RUNNING: "#3f7fc4", StateType.RETRYING: "#c98a1b",
    StateType.PAUSED: "#8d6fc0", StateType.SKIPPED: _GREY, StateType.CANCELLED: _GREY,
    StateType.SUBMITTED: "#6f8fb5", StateType.PENDING: _GREY,
}  # fmt: skip
#: ``:root`` holds only where the picture is a file of its own; in a page it takes the page's colour.
_STYLE = """
svg:root{color:#22262c;background:#fff}
.orc-graph{font:12.5px system-ui,-apple-system,"Segoe UI",sans-serif}
.orc-graph text{fill:currentColor;dominant-baseline:central}
.orc-graph .orc-quiet{opacity:.65;font-size:11px}
.orc-graph .orc-name{font-size:15px;font-weight:600}
.orc-graph .orc-box rect{stroke-width:1.2;fill-opacity:.13}
.orc-graph .orc-box:hover rect{fill-opacity:.26}
.orc-graph .orc-lines{opacity:.5}
.orc-graph .orc-line path{fill:none;stroke:currentColor;stroke-width:1.2}
.orc-graph .orc-line .orc-tip{fill:currentColor;stroke:none}
.orc-graph .orc-line .orc-near{stroke:transparent;stroke-width:9}
.orc-graph .orc-line:hover path{stroke-width:2.4}
.orc-graph .orc-line:hover .orc-near{stroke-width:9}
.orc-graph .orc-order path{stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){svg:root{color:#e4e6ea;background:#15181d}}
""".strip()
#: Characters that XML cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(found: Contents) -> str:
    """Draw contents as one ``<svg>`` element.

    Example:
        >>> written(Contents("empty", (), ())).startswith("<svg")
        True
    """
    widths = {box.key: _width(box) for box in found.boxes}
    layout = arrange(found.graph(), widths)
    legend = list(_legend(found))
    wide = max(layout.wide, _LETTER * 1.3 * len(found.title), _legend_width(legend), 320.0)
    below = _HEAD + layout.high + (24.0 if legend else 0.0)
    high = below + 6.0 + _FOOT * len(found.notes)
    size = f"{wide + 2 * _MARGIN:.0f}", f"{high + 2 * _MARGIN:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="orc-graph" role="img" '
        f'viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}" '
        f'aria-label="{_text(_summary(found))}">',
        f"<style>{_STYLE}</style>",
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">',
        f'<text class="orc-name" x="0" y="8">{_text(found.title)}</text>',
        f'<g transform="translate(0 {_HEAD:.0f})">',
        '<g class="orc-lines">', *(_line(line, layout) for line in found.lines), "</g>",
        *(_box(box, layout.places[box.key]) for box in found.boxes),
        "</g>",
        *_below(legend, found.notes, below),
        "</g></svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def kind_of(box: Box) -> str:
    """The word of the legend that a box belongs to."""
    if box.kind in _DBT:
        return "dbt"
    known = {"sql": "SQL", "python": "Python", "parameter": "parameter", "folder": "folder"}
    return known.get(box.kind, "other")


def _summary(found: Contents) -> str:
    return f"Flow {found.title}: {len(found.boxes)} boxes, {len(found.lines)} lines"


def _shown(text: str) -> str:
    one = " ".join(text.split()) or "·"
    return one if len(one) <= _LONGEST else f"{one[: _LONGEST - 13]}…{one[-12:]}"


def _width(box: Box) -> float:
    aside = 6.0 * len(box.aside) + 10.0 if box.aside else 0.0
    return max(_LETTER * len(_shown(box.label)) + 30.0 + aside, 60.0)


def _box(box: Box, place: Place) -> str:
    kind = KINDS[kind_of(box)]
    colour = STATES[box.state] if box.state else _GREY
    top, left = place.middle - HIGH / 2, place.left
    parts = [f'<g class="orc-box"><title>{_text(chr(10).join(box.words) or box.label)}</title>']
    frame = f'width="{place.wide:.1f}" height="{HIGH:.0f}" rx="6" fill="{colour}" stroke="{colour}"'
    if box.mapped or box.kind == "folder":
        right = left + place.wide
        parts.append(
            f'<path d="M{left + 6:.1f} {top - 3:.1f}H{right - 3:.1f}Q{right + 3:.1f} {top - 3:.1f} '
            f'{right + 3:.1f} {top + 3:.1f}V{top + HIGH - 6:.1f}" fill="none" stroke="{colour}"/>'
        )
    parts.append(f'<rect x="{left:.1f}" y="{top:.1f}" {frame}/>')
    parts.append(
        f'<rect x="{left:.1f}" y="{top + 6:.1f}" width="4" height="{HIGH - 12:.0f}" '
        f'rx="2" fill="{kind}" style="fill-opacity:1"/>'
    )
    parts.append(
        f'<text x="{left + 12:.1f}" y="{place.middle:.1f}">{_text(_shown(box.label))}</text>'
    )
    if box.aside:
        parts.append(
            f'<text class="orc-quiet" x="{left + place.wide - 8:.1f}" y="{place.middle:.1f}" '
            f'text-anchor="end">{_text(box.aside)}</text>'
        )
    return "".join([*parts, "</g>"])


def _line(line: Line, layout: Layout) -> str:
    start, end = layout.places[line.upstream], layout.places[line.downstream]
    path, tip = _path(start, end, layout.bends[line.upstream, line.downstream])
    kind = "orc-line orc-order" if line.order else "orc-line"
    return (
        f'<g class="{kind}"><title>{_text(chr(10).join(line.words))}</title>'
        f'<path class="orc-near" d="{path}"/><path d="{path}"/>'
        f'<path class="orc-tip" d="{tip}"/></g>'
    )


def _path(
    start: Place, end: Place, bends: Sequence[tuple[float, float, float]] | None
) -> tuple[str, str]:
    """The line, and the tip at its end."""
    x, y = start.left + start.wide, start.middle
    if bends is None:  # It leads back: out to the right, over the top, in from the left.
        over = min(start.middle, end.middle) - HIGH
        d = (
            f"M{x:.1f} {y:.1f}C{x + 50:.1f} {y:.1f} {x + 30:.1f} {over:.1f} {x:.1f} {over:.1f}"
            f"L{end.left:.1f} {over:.1f}"
            f"C{end.left - 30:.1f} {over:.1f} {end.left - 50:.1f} {end.middle:.1f} "
            f"{end.left - 6:.1f} {end.middle:.1f}"
        )
        return d, _tip(end)
    (_, x, y), *further = bends
    d = f"M{start.left + start.wide:.1f} {y:.1f}H{x:.1f}"
    for left, right, middle in (*further, (end.left - 6, end.left - 6, end.middle)):
        half = (x + left) / 2
        d += f"C{half:.1f} {y:.1f} {half:.1f} {middle:.1f} {left:.1f} {middle:.1f}"
        d += f"H{right:.1f}" if right > left else ""
        x, y = right, middle
    return d, _tip(end)


def _tip(end: Place) -> str:
    x, y = end.left - 1, end.middle
    return f"M{x - 6:.1f} {y - 3.5:.1f}L{x:.1f} {y:.1f}L{x - 6:.1f} {y + 3.5:.1f}Z"


def _legend(found: Contents) -> Iterator[tuple[str, str]]:
    kinds = {kind_of(box) for box in found.boxes}
    if len(kinds) > 1:
        yield from ((kind, colour) for kind, colour in KINDS.items() if kind in kinds)
    states = {box.state for box in found.boxes}
    yield from ((state.value, colour) for state, colour in STATES.items() if state in states)


def _legend_width(legend: Sequence[tuple[str, str]]) -> float:
    return sum(_LETTER * len(word) + 30.0 for word, _ in legend)


def _below(legend: Sequence[tuple[str, str]], notes: Sequence[str], top: float) -> Iterator[str]:
    left = 0.0
    for word, colour in legend:
        # As in the boxes: a kind is a bar, a state the whole box.
        shape = 'width="4"' if word in KINDS else f'width="10" fill-opacity=".3" stroke="{colour}"'
        yield (
            f'<rect x="{left:.1f}" y="{top - 5:.1f}" {shape} height="10" rx="2" fill="{colour}"/>'
            f'<text class="orc-quiet" x="{left + 15:.1f}" y="{top:.1f}">{_text(word)}</text>'
        )
        left += _LETTER * len(word) + 30.0
    for number, note in enumerate(notes, 1):
        yield f'<text class="orc-quiet" x="0" y="{top + _FOOT * number:.1f}">{_text(note)}</text>'


def _text(words: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", words), quote=True)

"""The page that a report becomes: one file that asks nothing of any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from orchestrator import instants
from orchestrator.model import context
from tasks.reports.charts import Drawn, drawn
from tasks.reports.sections import Chart, Text
from tasks.reports.tables import ShownTable, shown

if TYPE_CHECKING:
    from tasks.reports.queries import QueryTask, Rows

Part = Text | ShownTable | Drawn


@dataclass(frozen=True)
class Heading:
    """What stands above and below.

    Args:
        title: Of the page.
        intro: A line below the title.
        footer: The last line: who made it, and when.
    """

    title: str
    intro: str = ""
    footer: str = ""


def parts_of(task: QueryTask, rows: Rows) -> list[Part]:
    """Read the rows of every section, one after the other."""
    found: list[Part] = []
    for number, section in enumerate(task.sections):
        if isinstance(section, Text):
            found.append(section)
            continue
        with rows.of(number) as reader:
            if isinstance(section, Chart):
                found.append(drawn(section, reader))
            else:
                found.append(shown(section, reader))
    return found


def count_of(parts: Iterable[Part]) -> int:
    """Rows that were read."""
    return sum(part.count for part in parts if not isinstance(part, Text))


def made_by() -> str:
    """Say which run made something, and when."""
    running = context.active()
    at = f"{instants.now():%Y-%m-%d %H:%M} UTC"
    return f"{running.flow}, run {running.run_id}, {at}" if running else at


def page(heading: Heading, parts: Sequence[Part]) -> str:
    """Put a page together; charts stand in it as SVG. All text is escaped."""
    from markupsafe import Markup

    pictures = {
        number: Markup(part.svg()) for number, part in enumerate(parts) if isinstance(part, Drawn)
    }
    return written(heading, parts, pictures, style())


def written(
    heading: Heading,
    parts: Sequence[Part],
    pictures: Mapping[int, Any],
    styles: str,
    images: str = "data:",
) -> str:
    """Fill in the template.

    Args:
        heading: Title, intro and footer.
        parts: What stands between.
        pictures: HTML of the chart at each position.
        styles: The style sheet.
        images: Where pictures may come from.
    """
    from markupsafe import Markup

    filled = [_filled(part, pictures.get(number)) for number, part in enumerate(parts)]
    return _template("page.html").render(
        title=heading.title, intro=heading.intro, footer=heading.footer, parts=filled,
        style=Markup(styles), images=images,
    )  # fmt: skip


@lru_cache(maxsize=2)
def style() -> str:
    """The style sheet of pages."""
    return files("tasks.reports").joinpath("page.css").read_text(encoding="utf-8").strip()


def _filled(part: Part, picture: Any) -> dict[str, Any]:
    if isinstance(part, Text):
        paragraphs = [words.strip() for words in part.text.split("\n\n") if words.strip()]
        return {"kind": "text", "title": part.title, "paragraphs": paragraphs}
    if isinstance(part, Drawn):
        section = part.section
        return {
            "kind": "chart", "title": section.title, "picture": picture, "hidden": part.hidden,
            "note": section.note,
        }  # fmt: skip
    return {
        "kind": "table", "title": part.title, "columns": part.columns, "rows": part.rows,
        "totals": part.totals, "hidden": part.hidden, "count": part.count, "note": part.note,
    }  # fmt: skip


@lru_cache(maxsize=2)
def _template(name: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    text = files("tasks.reports").joinpath(name).read_text(encoding="utf-8")
    return environment.from_string(text)

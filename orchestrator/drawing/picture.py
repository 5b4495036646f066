"""A drawn flow: shown by a notebook, or saved as a file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from orchestrator.drawing.contents import Contents
from orchestrator.drawing.folding import folded
from orchestrator.drawing.svg import written
from orchestrator.errors import OrchestratorError, UsageError

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{margin:1.5rem}}</style></head>
<body>{svg}</body>
</html>
"""


@dataclass(frozen=True)
class Picture:
    """The picture of one flow.

    Args:
        title: The flow's name.
        svg: The whole picture, as text.

    Example:
        >>> Picture("nightly", "<svg></svg>")
        <Picture of nightly>
    """

    title: str
    svg: str

    def save(self, path: str | Path) -> Path:
        """Write the picture; a name that ends in ``.html`` gets a page, ``.svg`` the picture alone.

        Args:
            path: Of the file; without an ending, ``.svg`` is added.

        Raises:
            UsageError: The ending is another, or the file cannot be written.
        """
        file = Path(path)
        file = file if file.suffix else file.with_suffix(".svg")
        if file.suffix.lower() not in (".svg", ".html", ".htm"):
            raise UsageError(
                f"a flow is drawn as SVG or HTML, not as {file.suffix[1:].upper()}",
                where=str(file),
                fix=f"name it {file.with_suffix('.svg').name} or {file.with_suffix('.html').name}",
            )
        page = _PAGE.format(title=escape(self.title), svg=self.svg)
        try:
            file.write_text(self.svg if file.suffix.lower() == ".svg" else page, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"the picture cannot be written: {error.strerror}",
                where=str(file),
                fix="name a file in a folder that exists and that you may write to",
            ) from error
        return file

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto;max-height:80vh">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<Picture of {self.title}>"


def drawn(found: Contents) -> Picture:
    """Draw contents, folded so that they can be read."""
    return Picture(found.title, written(folded(found)))


def excuse(title: str, error: OrchestratorError) -> str:
    """What a notebook shows where a flow cannot be drawn, as HTML: why, where, what to do."""
    lines = [f"flow {title} cannot be drawn: {error.what}", error.where, error.fix]
    return f"<pre>{escape(chr(10).join(line for line in lines if line))}</pre>"

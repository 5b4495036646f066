"""Lays the findings out as one self-contained page: no script, no font, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analytics.finding import Finding
from analytics.summary import Figure, Summary
from analytics.svg import Markup, element, join

_STYLE = Path(__file__).with_name("page.css")


def page(title: str, summary: Summary, chapters: Sequence[tuple[str, Sequence[Finding]]]) -> str:
    """Write the page.

    Args:
        title: Heading of the page and name of its window.
        summary: Period and main figures.
        chapters: Name of each chapter with its findings.
    """
    body = element(
        "main",
        _header(title, summary),
        _contents(chapters),
        *(_chapter(name, findings) for name, findings in chapters),
        _footer(),
    )
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", f"{title}, {summary.period}"),
        element("style", Markup(_STYLE.read_text(encoding="utf-8"))),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n"


def _header(title: str, summary: Summary) -> Markup:
    figures = element("dl", *(_figure(figure) for figure in summary.figures), class_="figures")
    return element(
        "header",
        element("p", "Operations report · Newark, Kennedy, LaGuardia", class_="kicker"),
        element("h1", title),
        element("p", summary.period, class_="period"),
        figures,
    )


def _figure(figure: Figure) -> Markup:
    return element(
        "div",
        element("dt", figure.name),
        element("dd", figure.value, class_="big"),
        element("dd", figure.context),
    )


def _contents(chapters: Sequence[tuple[str, Sequence[Finding]]]) -> Markup:
    """List the claims: who reads only this knows the report."""
    items = [
        element("li", element("a", finding.heading, href=f"#{finding.identifier}"))
        for _, findings in chapters
        for finding in findings
    ]
    return element("nav", element("h2", "In short"), element("ol", *items), aria_label="Findings")


def _chapter(name: str, findings: Sequence[Finding]) -> Markup:
    return element(
        "section",
        element("h2", name, class_="chapter"),
        *(_finding(finding) for finding in findings),
    )


def _finding(finding: Finding) -> Markup:
    """Show the chart with its table folded away, or the table where there is no chart."""
    table = _table(finding)
    if finding.chart is None:
        evidence = table
    else:
        folded = element("details", element("summary", "The numbers"), table)
        evidence = join(element("figure", finding.chart), folded)
    return element(
        "article",
        element("h3", finding.heading),
        element("p", finding.text),
        evidence,
        id=finding.identifier,
    )


def _table(finding: Finding) -> Markup:
    head = element("tr", *(element("th", name, scope="col") for name in finding.columns))
    rows = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell) for cell in row[1:]),
        )
        for row in finding.rows
    ]
    table = element(
        "table",
        element("caption", finding.heading),
        element("thead", head),
        element("tbody", *rows),
    )
    return element("div", table, class_="table")


def _footer() -> Markup:
    return element(
        "footer",
        element(
            "p",
            "On time: arrived less than 15 minutes after schedule, the rule of the US Department "
            "of Transportation. Data: flights, aircraft and weather of the R package "
            "nycflights13 (Bureau of Transportation Statistics, FAA, ASOS). Aircraft of American "
            "and Envoy are mostly missing from the register, which the project's tests report as "
            "a warning. Times are local.",
        ),
    )

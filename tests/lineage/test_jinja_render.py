"""Rendering the Jinja of SQL files: values, references, lines, the sandbox and what is missing."""

from __future__ import annotations

import pytest

from orchestrator.lineage import analyze_sql
from orchestrator.lineage.sql.jinja import Rendered, render


def everything(text: str) -> Rendered:
    return render(
        text,
        ref=lambda *names: "main." + names[-1],
        source=lambda source, table: f"{source}.{table}",
        var={"days": 3},
        env_var={"TARGET": "prod"},
        params={"region": "eu"},
    )


def test_a_text_without_templates_stays_as_it_is() -> None:
    rendered = render("select '{ }' from a\n", params={"a": 1})

    assert rendered.sql == "select '{ }' from a\n"
    assert rendered.line_of(1) == 1
    assert rendered.problems == ()


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("{{ ref('orders') }}", "main.orders"),
        ("{{ ref('shop', 'orders') }}", "main.orders"),
        ("{{ source('raw', 'orders') }}", "raw.orders"),
        ("{{ var('days') }}", "3"),
        ("{{ var('weeks', 1) }}", "1"),
        ("{{ env_var('TARGET') }}", "prod"),
        ("{{ env_var('MISSING', 'dev') }}", "dev"),
        ("{{ region }} {{ params.region }}", "eu eu"),
        ("{% for n in range(2) %}{{ n }},{% endfor %}", "0,1,"),
        ("{% if region == 'eu' %}a{% else %}b{% endif %}", "a"),
        ("{# nothing #}x\n", "x\n"),
    ],
)
def test_templates_are_rendered(text: str, sql: str) -> None:
    rendered = everything(text)

    assert rendered.problems == ()
    assert rendered.sql == sql


def test_references_are_noted_with_their_lines() -> None:
    rendered = everything(
        "select *\nfrom {{ ref('a') }}\njoin {{ ref('shop', 'b') }}\n\n, {{ source('raw', 'c') }}"
    )

    assert rendered.refs == ((("a",), 2), (("shop", "b"), 3))
    assert rendered.sources == (("raw", "c", 5),)


def test_only_branches_that_are_taken_refer_to_something() -> None:
    rendered = everything("{% if false %}{{ ref('a') }}{% else %}{{ ref('b') }}{% endif %}")

    assert rendered.refs == ((("b",), 1),)


def test_lines_lead_back_to_the_template() -> None:
    text = (
        "{% set columns = ['x',\n 'y'] %}\nselect\n{%- for column in columns %}\n  {{ column }},\n"
        "{%- endfor %}\n  1\nfrom {{ ref('a')\n}}\nwhere\n  z"
    )

    rendered = everything(text)

    lines = rendered.sql.split("\n")
    found = {line.strip(): rendered.line_of(number) for number, line in enumerate(lines, 1)}
    assert found["select"] == 3
    assert found["x,"] == found["y,"] == 5
    assert found["1"] == 7
    assert found["from main.a"] == 8
    assert found["where"] == 10
    assert found["z"] == 11


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n{{ nothing }}", 2, "'nothing' is undefined"),
        ("\n\n{{ nothing.at.all }}", 3, "'nothing' is undefined"),
        ("{{ var('x') }}", 1, "var('x') is not set and has no default"),
        ("\n{{ env_var('X') }}", 2, "env_var('X') is not set and has no default"),
        ("a\n{% if %}", 2, "Expected an expression"),
        ("{% for x in y %}", 1, "Unexpected end of template"),
        ("\n{{ 1 / 0 }}", 2, "ZeroDivisionError"),
        ("{% include 'other.sql' %}", 1, "no loader"),
    ],
)
def test_what_cannot_be_rendered_is_reported_with_its_line(
    text: str, line: int, message: str
) -> None:
    rendered = everything(text)

    (problem,) = rendered.problems
    assert problem.line == line
    assert message in problem.message


def test_a_reference_nobody_can_resolve_is_reported() -> None:
    assert "'ref' is undefined" in render("{{ ref('a') }}").problems[0].message
    failing = render("\n{{ ref('a') }}", ref=lambda name: {}[name])
    assert (failing.problems[0].line, failing.refs) == (2, ((("a",), 2),))


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ref.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ open('/etc/passwd') }}",
        "{% for i in range(10000000) %}{% endfor %}",
        "{% for i in range(90000) %}{{ 'x' * 1000 }}{% endfor %}",
    ],
)
def test_the_sandbox_holds(text: str) -> None:
    assert len(everything(text).problems) == 1


def test_a_rendered_text_is_ready_to_be_analyzed() -> None:
    rendered = everything(
        "create table t as\nselect * from {{ ref('a') }} where d > {{ var('days') }}"
    )

    lineage = analyze_sql(rendered.sql, dialect="duckdb")

    assert [str(dataset) for dataset in lineage.reads] == ["main.a"]

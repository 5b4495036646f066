"""Lines of compiled SQL, back to the lines of the file."""

from __future__ import annotations

import pytest

from tasks.dbt.lines import line_map, lines_of_names, shift_of


@pytest.mark.parametrize(
    ("raw", "compiled", "lines"),
    [
        ("a\nb\nc", "a\nb\nc", [1, 2, 3]),
        ("select\n  {{ m('x') }} as x,\n  y", "select\n  (x / 100) as x,\n  y", [1, 2, 3]),
        ("{{ config() }}\n\nselect 1", "\n\nselect 1", [1, 2, 3]),
        ("a\n{{ three() }}\nz", "a\none\ntwo\nthree\nz", [1, 2, 2, 2, 3]),
        ("a\n{% if x %}\nb\n{% endif %}\nc", "a\n\nc", [1, 2, 5]),
        ("select 1", "with e as (\n  select 2\n)\nselect 1", [1, 1, 1, 1]),
        ("", "select 1", [1]),
        ("select 1", "", []),
    ],
    ids=["same", "macro", "config", "many", "if", "ephemeral", "no code", "nothing"],
)
def test_each_line_of_the_compiled_code_has_one_of_the_file(
    raw: str, compiled: str, lines: list[int]
) -> None:
    assert line_map(raw, compiled) == lines


def test_lines_that_a_loop_makes_are_those_they_were_made_from() -> None:
    raw = "select\n{% for n in [1, 2] %}\n  sum(a * {{ n }}) as t_{{ n }},\n{% endfor %}\n  b"
    compiled = "select\n\n  sum(a * 1) as t_1,\n\n  sum(a * 2) as t_2,\n\n  b"
    found = line_map(raw, compiled)
    assert [found[index] for index in (0, 2, 4, 6)] == [1, 3, 3, 5]


def test_code_that_begins_below_the_first_line() -> None:
    assert shift_of("\n\n{% snapshot s %}\nselect 1\n{% endsnapshot %}", "select 1") == 3
    assert shift_of("select 1", "select 1") == 0
    assert shift_of("version: 2", "select 1") is None


def test_the_lines_that_give_names() -> None:
    text = "models:\n  - name: orders_daily\n  - name: 'orders' # all\n    columns: [{name: id}]\n"
    assert lines_of_names(text) == {"orders_daily": 2, "orders": 3}

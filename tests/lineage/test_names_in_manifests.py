"""Names in a manifest's texts: relations as adapters quote them, references in code by their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lineage.dbt.references import reference_lines
from orchestrator.lineage.dbt.relations import relation
from orchestrator.model.dataset import fold


@pytest.mark.parametrize(
    ("name", "dialect", "said"),
    [
        ('"db"."S"."T"', "duckdb", "db.s.t"),
        ('"DB"."S"."t"', "snowflake", "DB.S.t"),
        ('"s"."t"', "postgres", "s.t"),
        ('"t"', "postgres", "t"),
        ('"my.db"."s"."t"', "postgres", "my.db.s.t"),
        ('"db".s."T"', "snowflake", "db.S.T"),  # the schema is not quoted
        ("DB.s.t", "snowflake", "DB.S.T"),
        ("`p`.`d`.`t`", "bigquery", "p.d.t"),
        ("[db].[s].[t]", "tsql", "db.s.t"),
    ],
)
def test_relations(name: str, dialect: str, said: str) -> None:
    assert str(relation({"relation_name": name}, dialect)) == said


@pytest.mark.parametrize("name", ['"a"."b"."c"."d"', '""', '"'])
def test_what_is_no_name_of_one_to_three_parts_is_no_table(name: str) -> None:
    assert relation({"relation_name": name}, "duckdb") is None


PART = st.text(st.characters(exclude_characters="\"'(\n", codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(PART, min_size=1, max_size=3), st.sampled_from(["duckdb", "snowflake", "bigquery"]))
def test_quoted_parts_stand_as_they_are(parts: list[str], dialect: str) -> None:
    table = relation({"relation_name": ".".join(f'"{part}"' for part in parts)}, dialect)
    assert table is not None
    found = [part for part in (table.catalog, table.schema, table.name) if part is not None]
    assert found == [fold(part, True, dialect) for part in parts]


def test_the_line_of_each_call() -> None:
    code = "select *\nfrom {{ ref('a') }}\njoin {{ source( 'raw',\n 't') }}, {{ ref('p', \"b\") }}"
    assert reference_lines(code) == {("ref", "a"): 2, ("source", "raw", "t"): 3, ("ref", "b"): 4}


def test_the_end_of_a_longer_name_is_no_call() -> None:
    code = "{{ xref('a') }} {{ my_source('b', 'c') }} {{ éref('d') }}\n{{ ref('a') }}"
    assert reference_lines(code) == {("ref", "a"): 2}
    assert reference_lines("ref('a')") == {("ref", "a"): 1}

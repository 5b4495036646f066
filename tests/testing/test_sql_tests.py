"""SQL tests: given tables and expected rows in YAML, run on a database of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.service.project import Project
from orchestrator.testing.suite import Ending, Outcome, Wanted
from tasks.testing.sql_reading import read_tests
from tasks.testing.sql_tests import SqlTests
from tests.testing.projects import BY_DAY, DBT, shop, write

TEST = """
sql_tests:
  - name: counts_orders
    sql: sql/orders_by_day.sql
    given:
      - input: raw.orders
        rows:
          - {id: 1, ordered_on: 2026-03-01}
          - {id: 2, ordered_on: 2026-03-01}
    expect:
      rows:
        - {orders: 2, day: 2026-03-01}
"""


def outcomes(root: Path, wanted: Wanted | None = None) -> tuple[dict[str, Outcome], list[str]]:
    """Run all tests of a project; by name, and what was said beside."""
    kind, said = SqlTests(Project.find(root)), []
    cases, broken = kind.collect(wanted or Wanted())
    found = [*broken, *kind.run(cases, said.append)]
    return {each.case.name: each for each in found}, said


def only(root: Path, text: str, **files: str) -> Outcome:
    """The outcome of the one test in a text."""
    write(root, {"sql/tests/one.yml": text, **files})
    found, _ = outcomes(root)
    [outcome] = found.values()
    return outcome


def of(sql: str, given: str = "", expect: str = "{rows: []}", more: str = "") -> str:
    return f"sql_tests:\n  - name: one\n    sql: {sql}\n    given: [{given}]\n    expect: {expect}\n{more}"


def test_a_test_that_holds_and_one_that_does_not(elsewhere: Path) -> None:
    shop(elsewhere)
    bad = TEST.replace("counts_orders", "miscounts").replace("orders: 2", "orders: 3")
    write(elsewhere, {"sql/tests/good.yml": TEST, "checks/bad.yaml": bad, "other.yml": "a: 1"})
    found, _ = outcomes(elsewhere)
    assert found["counts_orders"].ending is Ending.PASSED
    assert found["counts_orders"].case.place == "sql/tests/good.yml:3"
    assert found["miscounts"].ending is Ending.FAILED
    assert found["miscounts"].message.splitlines() == [
        "shop.marts.orders_by_day is not as expected: 1 row differs",
        "  differs: day=2026-03-01",
        "    orders: expected 3, found 2",
    ]
    assert not (elsewhere / "shop.duckdb").exists()


SCRIPT = """-- two tables
create schema if not exists marts;
create table marts.a as select id from {{ ref('orders') }};
create table marts.b as select count(*) as n from {{ source('raw', 'orders') }};
"""
BOTH = (
    "{input: ref('orders'), rows: [{id: 1}]}, {input: \"source('raw', 'orders')\", rows: [{id: 1}]}"
)


def test_a_script_of_several_tables(elsewhere: Path) -> None:
    shop(elsewhere, **{"sql/both.sql": SCRIPT})
    expect = "{table: marts.b, rows: [{n: 1}]}"
    assert only(elsewhere, of("sql/both.sql", BOTH, expect)).ending is Ending.PASSED
    unclear = only(elsewhere, of("sql/both.sql", BOTH))
    assert unclear.ending is Ending.ERROR
    assert "writes several tables" in unclear.message
    assert "shop.marts.a, shop.marts.b" in unclear.message
    wrong = only(elsewhere, of("sql/both.sql", BOTH, "{table: marts.c, rows: []}"))
    assert "does not write marts.c" in wrong.message


def test_a_bare_select_and_a_check_give_their_rows(elsewhere: Path) -> None:
    shop(elsewhere)
    given, expect = "{input: raw.orders, rows: [{id: 1}, {id: null}]}", "{rows: [{id: null}]}"
    query = "select * from raw.orders where id is null;\n"
    for front in ("", "-- orchestrator: check=no_rows, name=other\n"):
        write(elsewhere, {"sql/q.sql": front + query})
        assert only(elsewhere, of("sql/q.sql", given, expect)).ending is Ending.PASSED
    wrong = only(elsewhere, of("sql/q.sql", given))
    assert wrong.message.startswith("the result is not as expected: 1 row extra")


def test_an_increment_is_added_to_what_this_gives(elsewhere: Path) -> None:
    sql = """-- orchestrator: materialized=incremental, table=marts.seen, unique_key=id
select id, n from raw.orders
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
"""
    shop(elsewhere, **{"sql/seen.sql": sql})
    new = "{input: raw.orders, rows: [{id: 1, n: 9}, {id: 2, n: 9}]}"
    first = of("sql/seen.sql", new, "{rows: [{id: 1, n: 9}, {id: 2, n: 9}]}")
    assert only(elsewhere, first).ending is Ending.PASSED
    both = f"{new}, {{input: this, rows: [{{id: 1, n: 1}}]}}"
    further = of("sql/seen.sql", both, "{rows: [{id: 1, n: 1}, {id: 2, n: 9}]}")
    assert only(elsewhere, further).message == ""


def test_rows_in_other_forms_and_values_of_the_run(elsewhere: Path) -> None:
    sql = (
        "select id, {{ parameters.factor }} * id as f, '{{ var('unit') }}' as unit, "
        "{{ today }} as day from raw.orders"
    )
    fixture = "id,f,unit,day\n1,3,kg,2026-03-01\n2,6,kg,2026-03-01\n"
    shop(elsewhere, **{"sql/f.sql": sql, "sql/tests/fixtures/f.csv": fixture})
    more = (
        "    overrides: {vars: {unit: kg}, parameters: {factor: 3},"
        " now: 2026-03-01 00:30, timezone: UTC}\n"
    )
    given = '{input: raw.orders, format: csv, rows: "id\\n1\\n2\\n", types: {id: bigint}}'
    outcome = only(elsewhere, of("sql/f.sql", given, "{fixture: f.csv}", more))
    assert outcome.message == ""
    assert outcome.ending is Ending.PASSED


def test_a_task_of_a_flow_lends_its_settings(elsewhere: Path) -> None:
    flow = """
from orchestrator import Flow
from tasks import SqlFolder, SqlTask
with Flow("n") as flow:
    SqlFolder("sql/made", materialized="view")()
    SqlTask(path="sql/{}.sql", params=dict(table="raw.orders"), materialized="table", table="m.t")()
""".replace("{}", "one")
    text = TEST.replace("sql/orders_by_day.sql", "sql/one.sql").replace("{orders: 2, day", "{day")
    shop(elsewhere, **{
        "flows/n.py": flow, "sql/one.sql": "select distinct ordered_on as day from {{ params.table }}",
        "sql/made/x.sql": "select 1 as id",
    })  # fmt: skip
    assert only(elsewhere, text).message == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (of("sql/orders_by_day.sql"), "reads raw.orders, which the test does not give"),
        (of("sql/by_ref.sql"), "reads ref('customers'), which the test does not give"),
        (of("sql/orders_by_dya.sql"), "did you mean 'sql/orders_by_day.sql'?"),
        (of("sql/broken.sql"), "sql/broken.sql failed"),
        (
            of("sql/orders_by_day.sql", "{input: raw.orders, rows: []}"),
            "nobody can tell the columns",
        ),
        ("sql_tests:\n  - nmae: x\n", "did you mean 'name'?"),
        ("sql_tests:\n  - name: x\n    sql: a.sql\n", "needs expect"),
        ("sql_tests:\n  - {name: x, sql: a.sql, expect: {row: []}}\n", "did you mean 'rows'?"),
        ("sql_tests:\n  - {name: x, sql: a.sql, expect: {table: a}}\n", "expect needs rows"),
        ("sql_tests: yes\n", "is no list"),
        ("sql_tests:\n  - name: [\n", "it is no YAML"),
        (of("a.sql", "{rows: []}"), "needs its name"),
        (of("a.sql", "x"), "given is no mapping"),
    ],
)
def test_what_is_wrong_is_said(elsewhere: Path, text: str, says: str) -> None:
    shop(elsewhere, **{
        "sql/by_ref.sql": "select 1 as a from {{ ref('customers') }}",
        "sql/broken.sql": "select nonsense",
    })  # fmt: skip
    outcome = only(elsewhere, text)
    assert outcome.ending is Ending.ERROR
    assert says in outcome.message


def test_the_place_of_a_missing_table_is_that_of_its_sql(elsewhere: Path) -> None:
    shop(elsewhere)
    message = only(elsewhere, of("sql/orders_by_day.sql")).message
    assert "where: sql/orders_by_day.sql:2" in message
    assert "add to given in sql/tests/one.yml:2: - input: raw.orders" in message


def test_another_dialect_is_translated_and_that_is_said(elsewhere: Path) -> None:
    sql = """-- orchestrator: materialized=table, table=marts.sizes
select id, iff(amount > 10, 'big', 'small') as size, to_varchar(id) as code from raw.orders;
"""
    toml = """[warehouses.prod]
type = "snowflake"
account = "a"
user = "u"
password = "secret:PROD"
database = "ANALYTICS"
schema = "PUBLIC"
"""
    shop(elsewhere, **{"orchestrator.toml": toml, "sql/orders_by_day.sql": sql})
    (elsewhere / "flows/nightly.py").unlink()
    given = "{input: raw.orders, rows: [{id: 1, amount: 11}, {id: 2, amount: 1}]}"
    expect = "{rows: [{id: 1, size: big, code: '1'}, {id: 2, size: small, code: '2'}]}"
    write(elsewhere, {"sql/tests/one.yml": of("sql/orders_by_day.sql", given, expect)})
    found, said = outcomes(elsewhere)
    assert found["one"].message == ""
    assert said == ["warehouse 'prod' is snowflake: its SQL is translated and run on DuckDB"]


def test_names_have_lines_and_given_tables_their_names() -> None:
    [test] = read_tests(TEST, "t.yml")
    assert (test.case.name, test.case.line, test.case.of) == (
        "counts_orders",
        3,
        "sql/orders_by_day.sql",
    )
    [call] = read_tests(of("a.sql", "{input: \"ref('shop', 'orders')\", rows: [{a: 1}]}"), "t")[
        0
    ].given
    assert (call.names, call.table) == (("ref", "orders"), "orders")
    assert read_tests("unit_tests: [{name: dbt's}]", "t.yml") == []
    with pytest.raises(UsageError, match="a SQL test is no mapping"):
        read_tests("sql_tests: [a]", "t.yml")


def test_only_wanted_tests_are_taken(elsewhere: Path) -> None:
    shop(
        elsewhere, **{"sql/tests/good.yml": TEST, "sql/other/x.yml": TEST.replace("counts", "adds")}
    )
    assert set(outcomes(elsewhere, Wanted(expression="counts and not adds"))[0]) == {
        "counts_orders"
    }
    there = [(elsewhere / "sql/other").resolve()]
    assert set(outcomes(elsewhere, Wanted(there))[0]) == {"adds_orders"}
    assert BY_DAY in (elsewhere / "sql/orders_by_day.sql").read_text()


GIVEN = """
sql_tests:
  - {name: by_ref, sql: sql/by_name.sql, given: [{input: ref('stg'), rows: [{id: 1}]}], expect: &one {rows: [{n: 1}]}}
  - {name: by_name, sql: sql/by_ref.sql, given: [{input: staging.stg, rows: [{id: 1}]}], expect: *one}
  - {name: by_source, sql: sql/both.sql, given: [{input: "source('erp', 'o')", rows: [{id: 1}]}, {input: SHOP.STAGING.stg, rows: [{id: 1}]}], expect: *one}
  - {name: near, sql: sql/by_ref.sql, given: [{input: ref('stgg'), rows: [{id: 1}]}], expect: *one}
"""


@pytest.mark.slow
def test_a_table_may_be_called_as_dbt_calls_it_or_by_its_name(elsewhere: Path) -> None:
    files = {
        **{name: DBT[name] for name in ("profiles.yml", "orchestrator.toml", "dbt_project.yml")},
        "macros/n.sql": "{% macro generate_schema_name(name, node) %}{{ name or 'main' }}{% endmacro %}",
        "models/stg.sql": "{{ config(schema='staging') }} select 1 as id",
        "models/s.yml": "sources: [{name: erp, schema: raw, tables: [{name: o, identifier: orders}]}]",
        "sql/by_name.sql": "select count(*) as n from staging.stg",
        "sql/by_ref.sql": "select count(*) as n from {{ ref('stg') }}",
        "sql/both.sql": "select count(*) as n from raw.orders join {{ ref('stg') }} using (id)",
        "flows/nightly.py": "from orchestrator import Flow\nfrom tasks import DbtBuild\n"
        "with Flow('nightly') as flow:\n    DbtBuild()()\n",
        "sql/tests/given.yml": GIVEN,
    }
    found, _ = outcomes(write(elsewhere, files))
    good = [found[name] for name in ("by_ref", "by_name", "by_source")]
    assert {each.ending for each in good} == {Ending.PASSED}, [each.message for each in good]
    assert found["near"].ending is Ending.ERROR
    assert "or is it meant by ref('stgg'), which it gives?" in found["near"].message


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("{input: a.b.c.d, rows: []}", "'a.b.c.d' is not a table name of one to three parts"),
        ("{input: \"ref('a'\", rows: []}", "is neither a table name nor ref(…) or source(…)"),
        ("{input: a.b, rows: []}, {input: a.b, rows: []}", "a.b is given twice"),
    ],
)
def test_tables_that_cannot_be_given(given: str, what: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_tests(of("sql/a.sql", given), "sql/tests/one.yml")
    assert what in refused.value.what
    assert refused.value.where == "sql/tests/one.yml:2"

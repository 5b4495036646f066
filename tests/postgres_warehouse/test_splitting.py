"""Scripts are cut by what a database takes for strings, comments and blocks; values find their places."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest

from orchestrator.errors import ParameterError
from tasks.dbapi.lexing import POSTGRES, SNOWFLAKE, Spelling
from tasks.dbapi.splitting import Style, bound, split


def texts(script: str, spelling: Spelling = POSTGRES) -> list[str]:
    return [statement.text for statement in split(script, spelling)]


@pytest.mark.parametrize(
    "statement",
    [
        "select ';' || $$ ; $$ || $tag$ ; $$ ; $tag$",
        "select 'it''s;' /* ; /* ; */ ; */ || \";\"",
        "select E'\\';' || U&';'",
        "do $do$ begin perform 1; if true then null; end if; end $do$",
        "create function f() returns int language sql begin atomic select case when true then 1 end;"
        " select 2; end",
        "create function f(begin int, x text) returns int language sql as 'select 1; select 2'",
        "select 'not closed; select 2",
        "select $$ not closed; select 2",
        "select 1 /* not closed; select 2",
    ],
)
def test_one_statement_of_postgres(statement: str) -> None:
    after = "" if "not closed" in statement else ";\nselect 2"
    assert texts(statement + after) == [statement, *(["select 2"] if after else [])]


@pytest.mark.parametrize(
    "statement",
    [
        "select 'it\\'s;' // ;\n, 1",
        "begin let x := 1; if (x > 1) then return 1; end if; return 2; end",
        "declare x int; begin case when true then return 1; end case; begin return 2; end; end",
        "create procedure p() returns int as begin for i in 1 to 2 do null; end for; end",
        "create procedure p() returns int as declare x int; begin return case 1 when 1 then 2 end; end",
        "execute immediate $$ begin return 1; end; $$",
    ],
)
def test_one_statement_of_snowflake(statement: str) -> None:
    assert texts(statement + ";\nselect 2", SNOWFLAKE) == [statement, "select 2"]


def test_transactions() -> None:
    script = (
        "begin; start transaction; insert into t values (1); savepoint s; commit; end; rollback"
    )
    assert [s.transactional for s in split(script, POSTGRES)] == [True, True, False, *[True] * 4]
    script = "begin transaction; begin name x; begin; begin return 1; end; commit"
    assert [s.transactional for s in split(script, SNOWFLAKE)] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("-- c\n/* d */ Select 1", "SELECT"),
        ("with a as (select 1), b as (values (2)) insert into t select * from a", "INSERT"),
        ("with a as (delete from t returning a) select * from a", "SELECT"),
        ("((select 1) union select 2)", "SELECT"),
        ("merge into t using s on true when matched then delete", "MERGE"),
        ("vacuum t", "VACUUM"),
    ],
)
def test_kinds(statement: str, kind: str) -> None:
    assert split(statement, POSTGRES)[0].kind == kind


def test_lines_are_those_of_the_script() -> None:
    script = "select 1; -- one\n\n-- two\nselect\n2\n;\n/* three\n */ select 3"
    assert [(s.line, s.text[:5]) for s in split(script, POSTGRES)] == [
        (1, "selec"),
        (1, "-- on"),
        (7, "/* th"),
    ]


def test_harmless_is_a_schema_that_may_be_there() -> None:
    script = "-- x\ncreate schema if not exists a; create schema b"
    assert [s.harmless for s in split(script, POSTGRES)] == [True, False]


def test_places_of_values() -> None:
    script = "select $a, $b_2,$c || '$no' -- $no\n /* $no */ from \"$no\" where d$no = $$ $no $$"
    assert split(script, POSTGRES)[0].parameters == {"a", "b_2", "c"}
    # JSON's operators stand between operands.
    script = "select a ? 'key', (b) ?| c, d ?& e from t where a = ? and b in (?, ?) limit ?"
    assert split(script, POSTGRES)[0].parameters == {"1", "2", "3", "4"}


def test_values_for_drivers() -> None:
    text, values = bound("select $b, '%s', $a, $b % 2", {"a": 1, "b": 2}, POSTGRES)
    assert text == "select %(p_b)s, '%%s', %(p_a)s, %(p_b)s %% 2"
    assert values == {"p_a": 1, "p_b": 2}
    text, values = bound("select $b, '?', $a, $b", {"a": 1, "b": 2}, SNOWFLAKE, Style.QMARK)
    assert (text, values) == ("select ?, '?', ?, ?", [2, 1, 2])


def test_what_has_no_value_is_the_databases_own() -> None:
    assert bound("select $mine, $a", {"a": 1}, SNOWFLAKE) == (
        "select $mine, %(p_a)s",
        {"p_a": 1},
    )
    # A column of a staged file.
    assert bound("select $1 from @s where x = ?", ["v"], SNOWFLAKE) == (
        "select $1 from @s where x = %(p_1)s",
        {"p_1": "v"},
    )
    assert bound("select '%'", None, POSTGRES) == ("select '%'", None)


@pytest.mark.parametrize("values", [[1], [1, 2, 3]])
def test_another_number_of_values_than_of_places(values: list[int]) -> None:
    with pytest.raises(ParameterError, match=f"takes 2 values, and {len(values)} are given"):
        bound("select ?, ?", values, POSTGRES)


#: Put together by chance, they make scripts that a server takes or not.
FRAGMENTS = (
    "select 1", "select ';'", "select 'a''b;'", "select E'\\';'", "select $$;$$", " -- ;\n", "\n",
    "select $a$ ; $$ ; $a$", " /* ; /* ; */ ; */ ", 'select 1 as "a;""b"', "select U&'\\0061;'",
    "select 1 -- '\n", "select '--' ", "select 'a'\n'b;'", "select 5 - -3", "select 6*/* ; */7",
    "select e'' ", "select 1::text||';'", "do $$ begin perform 1; end $$", "select $a$'$a$",
    "select '\\'", "select case when true then 1 end", "values (1), (2)", " ",
    "create or replace function pg_temp.f() returns int language sql begin atomic"
    " select case when true then 1 end; select 2; end",
)  # fmt: skip


def test_as_many_statements_as_the_server_counts(admin: Any) -> None:
    chance, taken = random.Random(6), 0
    for _ in range(400):
        parts = chance.choices(FRAGMENTS, k=chance.randint(1, 5))
        script = "".join(part + ";" * (chance.random() < 0.6) for part in parts)
        try:
            counted = _counted(admin.execute(script))
        except psycopg.errors.SyntaxError:
            continue
        found = split(script, POSTGRES)
        assert len(found) == counted, script
        for statement in found:
            text, values = bound(statement.text, {"unused": 1}, POSTGRES)
            admin.execute(text, values)
        taken += 1
    assert taken > 100


def _counted(cursor: Any) -> int:
    count = 0
    while True:
        count += bool(cursor.statusmessage)
        if not cursor.nextset():
            return count

"""policy.toml is read, or refused with the line, the cause and what was meant."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestrator.errors import PolicyError
from orchestrator.schemas.policy import defaults
from orchestrator.service.policy.keys import STATEMENTS, TABLES, Form
from orchestrator.service.policy.reading import parse_policy, read_policy, rule_names
from orchestrator.toml_files import lines_of

WHOLE = """
[teams.marketing]
paths = ["sql/marketing/**"]
schemas = ["marketing", "prod.marketing_*"]

[teams."data science"]
tags = ["ml"]

[published]
schemas = ["marts"]
access = ["public"]
exposed = true

[required]
flows = ["owner"]
published = ["owner", "description"]
team = true

[tests]
required = ["unique"]
breach = "warn"

[statements]
forbidden = ["grant"]
only_in_own_schemas = ["drop"]
unreadable = "refuse"

[limits]
max_runtime = "1h 30m"
concurrency = { "tag:heavy" = 2 }

[rows]
max = 1000

[[exceptions]]
rule = "teams.marketing.schemas"
for = ["sql/marketing/old.sql"]
reason = "moves in spring"
until = 2027-03-31

[[exceptions]]
rule = "tests"
for = ["marts.*"]
reason = "see the backlog"
"""


def test_every_table() -> None:
    policy = parse_policy(WHOLE)
    assert policy.teams["marketing"].schemas == ("marketing", "prod.marketing_*")
    assert policy.teams["marketing"].warehouses is None
    assert policy.teams["data science"].tags == ("ml",)
    assert (policy.published.access, policy.published.exposed) == (("public",), True)
    assert policy.required.team
    assert (policy.tests.required, policy.tests.breach) == (("unique",), "warn")
    assert policy.statements.unreadable == "refuse"
    assert policy.limits.max_runtime == 5400
    assert policy.limits.concurrency == {"tag:heavy": 2}
    assert (policy.rows.max, policy.rows.breach) == (1000, "warn")
    assert [one.until for one in policy.exceptions] == [date(2027, 3, 31), None]


def test_each_key_knows_its_line() -> None:
    policy = parse_policy(WHOLE)
    lines = WHOLE.splitlines()
    for said, key, text in (
        (policy.teams["marketing"].said, "schemas", 'schemas = ["marketing", "prod.marketing_*"]'),
        (policy.teams["data science"].said, "", '[teams."data science"]'),
        (policy.statements.said, "forbidden", 'forbidden = ["grant"]'),
        (policy.exceptions[1].said, "reason", 'reason = "see the backlog"'),
        (policy.exceptions[1].said, "until", "[[exceptions]]"),  # not set: where the table begins
    ):
        file, _, number = said.at(key).partition(":")
        assert file == "policy.toml"
        assert lines[int(number) - 1] == text
    assert policy.exceptions[1].said.at("") != policy.exceptions[0].said.at("")


def test_no_file_and_an_empty_file(tmp_path: Path) -> None:
    assert read_policy(tmp_path) is None
    (tmp_path / "policy.toml").write_text("# nothing yet\n")
    policy = read_policy(tmp_path)
    assert policy is not None
    assert not policy.teams
    assert not policy.statements.said.keys


@pytest.mark.parametrize(
    ("text", "what", "where", "fix"),
    [
        ("[tests]\nrequired = [x]", "policy.toml is not TOML", "policy.toml:2:13", "in quotes"),
        ("[tests", "policy.toml is not TOML", "policy.toml", "between [ and ]"),
        ("[test]\n", "unknown table 'test'", "policy.toml:1", "did you mean 'tests'?"),
        ("max_runtime = 3\n", "unknown table 'max_runtime'", "policy.toml:1", "tables: teams"),
        ("[limits]\n\nmax_run = 3", "unknown key 'max_run' in [limits]", ":3", "'max_runtime'?"),
        ("[teams.a]\nschema = ['x']", "unknown key 'schema' in [teams.a]", ":2", "'schemas'?"),
        ("[teams.a]\nschemas = ['x']", "nothing belongs to team 'a'", ":1", "flows, paths, tags"),
        ("[teams]\na = 3", "expected a table [teams.NAME], got 3", ":2", ""),
        ("teams = 3", "expected tables [teams.NAME], got 3", ":1", ""),
        ("tests = ['unique']", "expected a table [tests]", ":1", ""),
        ("[tests]\nrequired = 'unique'", 'as in ["one", "other"], got \'unique\'', ":2", ""),
        ("[tests]\nrequired = [1]", "expected text, got 1", ":2", ""),
        ("[tests]\nbreach = 'refus'", "did you mean 'refuse'?", ":2", ""),
        ("[statements]\nforbidden = ['drpo']", "did you mean 'drop'?", ":2", ""),
        (
            "[statements]\nforbidden = [\n 'drop',\n 'x']",
            "expected one of drop, truncate",
            ":2",
            "",
        ),
        ("[published]\nexposed = 'yes'", "expected true or false, got 'yes'", ":2", ""),
        ("[limits]\nmax_runtime = 'soon'", 'as in "2h", "20 minutes" or "1h 30m"', ":2", ""),
        ("[limits]\nmax_runtime = 0", "got 0", ":2", ""),
        ("[limits]\nmax_threads = 0", "a whole number of at least 1, got 0", ":2", ""),
        ("[limits]\nmax_threads = true", "a whole number of at least 1, got True", ":2", ""),
        ("[limits.concurrency]\nheavy = 2", "expected tag:NAME or warehouse:NAME", ":2", ""),
        ("[rows]\nmax = 1.5", "a whole number", ":2", ""),
        ("exceptions = 3", "expected tables [[exceptions]], got 3", ":1", ""),
        (
            "[[exceptions]]\nrule = 'tests'\nfor = ['a']",
            "lacks its key 'reason'",
            ":1",
            "reason: why",
        ),
        (
            "[[exceptions]]\nrule='tests'\nfor=['a']\nreason='b'\nuntil='soon'",
            "expected a day, as in 2027-01-31",
            ":5",
            "",
        ),
        (
            "[[exceptions]]\nrule = 'test'\nfor = ['a']\nreason = 'b'",
            "there is no rule 'test'",
            ":2",
            "did you mean 'tests'?",
        ),
        (
            "[[exceptions]]\nrule = 'teams.sales'\nfor = ['a']\nreason = 'b'",
            "there is no rule 'teams.sales'",
            ":2",
            "",
        ),
    ],
)
def test_what_cannot_be_read(text: str, what: str, where: str, fix: str) -> None:
    with pytest.raises(PolicyError) as raised:
        parse_policy(text)
    error = raised.value
    assert what in error.what
    assert (error.where or "").startswith("policy.toml")
    assert where in (error.where or "")
    assert fix in (error.fix or "")
    assert error.exit_code == 2


def test_a_file_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").symlink_to(tmp_path / "gone.toml")
    with pytest.raises(PolicyError, match="No such file"):
        read_policy(tmp_path)
    (tmp_path / "policy.toml").unlink()
    (tmp_path / "policy.toml").mkdir()
    with pytest.raises(PolicyError, match="Is a directory"):
        read_policy(tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match=r"policy\.toml cannot be read: it is not UTF-8 text"):
        read_policy(tmp_path)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("'2h'", 7200), ("'90m'", 5400), ("'1h 30m'", 5400), ("'1d'", 86400), ("'45s'", 45),
        ("'PT2H'", 7200), ("'P1DT1H'", 90000), ("30", 30), ("1.5", 1.5),
    ],
)  # fmt: skip
def test_lengths_of_time(written: str, seconds: float) -> None:
    assert parse_policy(f"[limits]\nmax_runtime = {written}").limits.max_runtime == seconds


@pytest.mark.parametrize("written", ["''", "'h'", "'0h'", "'-2h'", "'2 hours ago'", "true", "[]"])
def test_what_is_no_length_of_time(written: str) -> None:
    with pytest.raises(PolicyError, match="expected a length of time"):
        parse_policy(f"[limits]\nmax_runtime = {written}")


def test_every_key_is_said_in_one_line() -> None:
    """An editor shows these, and the page lists them."""
    for table in TABLES.values():
        for said in (table.says, *(key.says for key in table.keys.values())):
            assert said.endswith(".")
            assert "\n" not in said
            assert len(said) <= 100
        for name, key in table.keys.items():
            assert not (key.required and name in defaults(table))
    assert {name for name, table in TABLES.items() if table.form is not Form.ONE} == {
        "teams", "exceptions",
    }  # fmt: skip


def test_rules_that_exceptions_may_name() -> None:
    names = set(rule_names(["marketing"]))
    assert {"teams.marketing.schemas", "teams", "statements.forbidden", "rows"} <= names
    assert not names & {"published", "teams.marketing.paths", "statements.own_schemas"}
    assert not any(name.endswith("breach") for name in names)


def test_statements_have_no_word_twice() -> None:
    assert len(set(STATEMENTS)) == len(STATEMENTS)


def test_lines_of_quoted_and_dotted_keys() -> None:
    found = lines_of('[a."b.c"]\n"x y" = 1\nd.e = "f = g"\n[[l]]\n[[l]]\nk = 1\n')
    assert found[("a", "b.c")] == 1
    assert found[("a", "b.c", "x y")] == 2
    assert found[("a", "b.c", "d", "e")] == 3
    assert (found[("l", "0")], found[("l", "1", "k")]) == (4, 6)

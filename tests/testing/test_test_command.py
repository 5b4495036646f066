"""``orchestrator test`` runs all kinds of tests and sums them up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator.cli.main import root
from orchestrator.cli.session import Session
from orchestrator.service.project import Project
from orchestrator.testing import flow_tests
from orchestrator.testing.flow_tests import FlowTests, read_report
from orchestrator.testing.suite import Ending, Wanted, files_below, matches
from tests.testing.projects import DBT, shop, write
from tests.testing.test_sql_tests import TEST

FAILING = """
def test_fine(): ...

class TestMany:
    def test_not_fine(self, warehouse):
        assert warehouse.tables() == ["raw.orders"]
"""


def run(folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "test", *words],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def here(*words: str) -> tuple[int, Any]:
    """Run the command in this process, as JSON."""
    done = CliRunner().invoke(
        root, ["test", *words, "--format", "json"], obj=Session(), standalone_mode=False,
        catch_exceptions=False,
    )  # fmt: skip
    return done.return_value, json.loads(done.stdout)


@pytest.mark.slow
def test_all_kinds_together(tmp_path: Path) -> None:
    bad = TEST.replace("orders: 2", "orders: 3")
    write(
        tmp_path,
        DBT
        | {
            "sql/orders_by_day.sql": "select ordered_on as day, count(*) as orders "
            "from raw.orders group by 1",
            "sql/tests/one.yml": bad,
            "tests/test_f.py": FAILING,
        },
    )
    code, text = run(tmp_path)
    assert code == 1, text
    assert text.index("SQL tests") < text.index("dbt unit tests") < text.index("flow tests")
    assert "ok      counts_orders_of_a_day  models/schema.yml:10" in text
    assert "FAILED  counts_orders  sql/tests/one.yml:3" in text
    assert "orders: expected 3, found 2" in text
    assert "FAILED  TestMany.test_not_fine  tests/test_f.py:6" in text
    assert "AssertionError" in text or "assert [] == ['raw.orders']" in text
    assert "3 passed, 2 failed in" in text

    code, text = run(
        tmp_path, "--select", "orders_by_day", "-k", "not test_not_fine", "--format", "json"
    )
    said = json.loads(text)
    assert code == 1
    assert [(t["kind"], t["name"], t["ending"]) for t in said["tests"]] == [
        ("sql", "counts_orders", "failed"), ("dbt", "counts_orders_of_a_day", "passed"),
        ("flow", "test_fine", "passed"),
    ]  # fmt: skip
    assert said["ok"] is False
    assert said["counts"] == {"passed": 2, "failed": 1, "error": 0, "skipped": 0}


def test_sql_tests_alone_pass(elsewhere: Path) -> None:
    shop(elsewhere, **{"sql/tests/one.yml": TEST})
    code, said = here()
    assert (code, said["ok"], said["counts"]["passed"]) == (0, True, 1)
    [test] = said["tests"]
    assert (test["file"], test["line"], test["place"]) == (
        "sql/tests/one.yml",
        3,
        "sql/tests/one.yml:3",
    )
    assert here("--select", "orders_by_day")[1]["counts"]["passed"] == 1
    code, said = here("--select", "load_orders")
    assert (code, said["tests"]) == (0, [])


def test_none_is_no_failure_but_a_wrong_choice_is(elsewhere: Path) -> None:
    shop(elsewhere)
    done = CliRunner().invoke(root, ["test"], obj=Session(), standalone_mode=False)
    assert done.return_value == 0
    assert "there are no tests here" in done.stdout
    assert "sql_tests:" in done.stdout
    none = CliRunner().invoke(root, ["test", "-k", "nothing"], obj=Session(), standalone_mode=False)
    assert none.return_value == 2
    assert none.stdout == "no test is among what was asked for\n"
    assert here("-k", "nothing")[0] == 2
    assert here("sql")[0] == 2


@pytest.mark.slow
def test_a_file_that_cannot_be_imported_and_pytest_that_gives_up(tmp_path: Path) -> None:
    shop(tmp_path, **{"tests/test_broken.py": "import nothing_of_that_name\n"})
    code, text = run(tmp_path)
    assert code == 1
    assert "No module named 'nothing_of_that_name'" in text
    assert "1 could not run" in text
    write(tmp_path, {"tests/conftest.py": "import sys; sys.exit('enough')\n"})
    code, text = run(tmp_path)
    assert code == 1
    assert "enough" in text


def test_without_pytest_it_says_how_to_install_it(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(elsewhere, **{"tests/test_f.py": FAILING})
    monkeypatch.setattr(flow_tests.importlib.util, "find_spec", lambda name: None)
    kind = FlowTests(Project.find(elsewhere))
    [outcome] = kind.run(kind.collect(Wanted())[0], print)
    assert outcome.ending is Ending.ERROR
    assert "pip install 'analytics-orchestrator[test]'" in outcome.message
    code = "import sys; sys.modules['pytest'] = None; import orchestrator.testing.flow_tests"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_f" name="test_a[1-2]" file="tests/test_f.py" line="0" time="0.5"/>
<testcase classname="tests.test_f.TestX" name="test_b" file="tests/test_f.py" line="4">
<failure message="AssertionError: short">def test_b():
&gt;       check()
E       AssertionError: t is not as expected
E         missing: a=1

tests/test_f.py:6: AssertionError
tests/helpers.py:3: in check
/somewhere/else.py:9: ValueError</failure></testcase>
<testcase classname="tests.test_f" name="test_c"><skipped message="not yet"/></testcase>
<testcase classname="tests.test_f" name="test_d"><error message="setup">no lines of its own</error></testcase>
</testsuite></testsuites>"""


def test_a_junit_report_is_read(tmp_path: Path) -> None:
    a, b, c, d = read_report(REPORT, tmp_path)
    assert (a.case.name, a.case.place, a.ending, a.seconds) == (
        "test_a[1-2]", "tests/test_f.py:1", Ending.PASSED, 0.5,
    )  # fmt: skip
    assert (b.case.name, b.ending, b.place) == ("TestX.test_b", Ending.FAILED, "tests/helpers.py:3")
    assert b.message == "AssertionError: t is not as expected\n  missing: a=1"
    assert (c.ending, c.message) == (Ending.SKIPPED, "not yet")
    assert (d.ending, d.message, d.case.file) == (Ending.ERROR, "setup", "tests/test_f.py")


@pytest.mark.parametrize(
    ("expression", "takes"),
    [
        ("orders", True), ("ORDERS", True), ("customers", False), ("not customers", True),
        ("orders and (slow or day)", True), ("orders and not day", False),
        ("__import__", False), ("orders.yml", True),
    ],
)  # fmt: skip
def test_expressions(expression: str, takes: bool) -> None:
    assert matches(expression, "sql/orders.yml counts_by_day") is takes


@pytest.mark.parametrize("expression", ["and", "orders orders", "(orders", "not", "()"])
def test_what_is_no_expression_is_refused(elsewhere: Path, expression: str) -> None:
    with pytest.raises(Exception, match="cannot be read"):
        here("-k", expression)


def test_folders_of_others_are_passed_by(tmp_path: Path) -> None:
    names = ("a.yml", "b/c.yml", ".git/x.yml", "target/x.yml", "env/pyvenv.cfg", "env/x.yml")
    write(tmp_path, dict.fromkeys(names, ""))
    assert [str(p.relative_to(tmp_path)) for p in files_below(tmp_path, ".yml")] == [
        "a.yml",
        "b/c.yml",
    ]

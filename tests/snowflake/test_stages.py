"""Files into stages and stages into tables: on fakesnow, and what that cannot do on our own server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import FlowError
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from tasks import SnowflakeCompute, SnowflakeCopy, SnowflakeGet, SnowflakePut, SnowflakeQuery
from tests.snowflake.recorded_snowflake import Recorded, SnowflakeError

COPIED = [
    ("file", "TEXT"), ("status", "TEXT"), ("rows_parsed", "FIXED"), ("rows_loaded", "FIXED"),
    ("error_limit", "FIXED"), ("errors_seen", "FIXED"), ("first_error", "TEXT"),
]  # fmt: skip


@pytest.fixture
def files(in_tmp: Path) -> Path:
    """Two CSV files and a stage's worth of nothing else."""
    (in_tmp / "out").mkdir()
    (in_tmp / "out" / "a.csv").write_text("id,s\n1,x\n2,y\n")
    (in_tmp / "out" / "b.csv").write_text("id,s\n3,it''s\n")
    return in_tmp


def test_files_go_into_a_table(warehouse: Any, files: Path) -> None:
    SnowflakeQuery("create stage landing; create table t (id int, s varchar)").run(
        warehouse=warehouse
    )
    put = SnowflakePut("out/*.csv", "@landing").run(warehouse=warehouse)
    assert put.value == ["a.csv.gz", "b.csv.gz"]
    copy = SnowflakeCopy("t", "@landing", file_format={"type": "csv", "skip_header": 1})
    assert copy.run(warehouse=warehouse).value == 3
    rows = SnowflakeQuery("select id, s from t order by id").run(warehouse=warehouse).value
    assert rows == [(1, "x"), (2, "y"), (3, "it''s")]


def test_what_was_loaded_is_not_loaded_again(warehouse: Any, files: Path) -> None:
    SnowflakeQuery("create table t (id int, s varchar)").run(warehouse=warehouse)
    SnowflakePut("out/a.csv", "@%t").run(warehouse=warehouse)
    copy = SnowflakeCopy("t", "@%t", file_format={"type": "csv", "skip_header": 1})
    assert [copy.run(warehouse=warehouse).rows for _ in range(2)] == [2, 0]


def test_a_file_that_is_not_there(warehouse: Any, files: Path) -> None:
    with pytest.raises(FAIL, match=r"no file out/c\.csv in "):
        SnowflakePut("out/c.csv", "@%t").run(warehouse=warehouse)


def test_a_broken_row_loads_nothing(warehouse: Any, files: Path) -> None:
    (files / "out" / "a.csv").write_text("id,s\n1,x\nmany,y\n")
    SnowflakeQuery("create table t (id int, s varchar)").run(warehouse=warehouse)
    SnowflakePut("out/a.csv", "@%t").run(warehouse=warehouse)
    with pytest.raises(FAIL, match="many"):
        SnowflakeCopy("t", "@%t", file_format={"type": "csv", "skip_header": 1}).run(
            warehouse=warehouse
        )
    assert SnowflakeQuery("select count(*) from t").run(warehouse=warehouse).value == [(0,)]


def test_broken_rows_are_kept_aside_and_counted(recorded: Recorded, spoken: Any) -> None:
    recorded.answer(
        "^copy", COPIED,
        ("a.csv", "PARTIALLY_LOADED", 10, 8, 10, 2, "Numeric value 'many' is not recognized"),
        ("b.csv", "LOADED", 5, 5, 5, 0, None),
    )  # fmt: skip
    done = SnowflakeCopy("raw.t", "@landing", on_error="continue").run(warehouse=spoken)
    assert (done.rows, done.failures) == (13, 2)
    assert "2 broken rows kept in raw.t_rejects: Numeric value 'many'" in done.message
    copied, made, kept = recorded.texts
    assert copied == "COPY INTO raw.t FROM @landing ON_ERROR = CONTINUE"
    assert made.startswith("CREATE TABLE IF NOT EXISTS raw.t_rejects (")
    assert "FROM TABLE(VALIDATE(raw.t, JOB_ID => '_last'))" in kept


def test_all_options_are_said(recorded: Recorded, spoken: Any) -> None:
    SnowflakeCopy(
        "t", "@landing/day", file_format="raw.csv", files=["a.csv", "it's.csv"], pattern=".*",
        match_by_column_name="case_insensitive", on_error="skip_file", purge=True, force=True,
    ).run(warehouse=spoken)  # fmt: skip
    assert recorded.texts == [
        "COPY INTO t FROM @landing/day FILE_FORMAT = (FORMAT_NAME = 'raw.csv')"
        " FILES = ('a.csv', 'it''s.csv') PATTERN = '.*' MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
        " ON_ERROR = SKIP_FILE PURGE = TRUE FORCE = TRUE"
    ]


def test_files_are_got(recorded: Recorded, spoken: Any, in_tmp: Path) -> None:
    """fakesnow knows no GET: only what is asked for, and what is made of the answer."""
    columns = [("file", "TEXT"), ("size", "FIXED"), ("status", "TEXT"), ("message", "TEXT")]
    recorded.answer("^get", columns, ("b.csv", 3, "DOWNLOADED", ""), ("a.csv", 3, "DOWNLOADED", ""))
    done = SnowflakeGet("@exports/day", "in", pattern=r".*\.csv").run(warehouse=spoken)
    assert done.value == [str(in_tmp / "in" / name) for name in ("a.csv", "b.csv")]
    assert recorded.texts == [rf"GET @exports/day 'file://{in_tmp}/in/' PATTERN = '.*\\.csv'"]
    assert (in_tmp / "in").is_dir()


def test_what_they_read_and_write_is_known(spoken: Any, files: Path) -> None:
    planning = Planning(files, find_warehouse=lambda name: spoken)

    def facts(task: Any) -> tuple[set[str], set[str]]:
        found = task.facts("k", planning)
        return (
            {str(a.dataset) for a in found.reads},
            {str(a.dataset) for a in found.writes},
        )

    assert facts(SnowflakePut("out/a.csv", "@landing"))[1] == {"@landing"}
    copy = SnowflakeCopy("raw.t", "@landing", on_error="continue")
    assert facts(copy) == ({"@landing"}, {"SHOP.RAW.T", "SHOP.RAW.T_REJECTS"})
    assert "@exports" in facts(SnowflakeGet("@exports", "in"))[0]


@pytest.mark.parametrize("stage", ["landing", "@a; drop table t", "@it's"])
def test_what_is_no_stage(stage: str) -> None:
    with pytest.raises(FlowError, match="is no stage"):
        SnowflakePut("a.csv", stage)


def test_a_way_with_errors_that_is_not_known() -> None:
    with pytest.raises(FlowError, match="abort_statement, continue, skip_file"):
        SnowflakeCopy("t", "@s", on_error="ignore")


# -- compute: fakesnow knows no ALTER WAREHOUSE ---------------------------------------------------


def test_compute_is_resumed_at_a_size(recorded: Recorded, spoken: Any) -> None:
    done = SnowflakeCompute("etl", "resume", size="x-large").run(warehouse=spoken)
    assert done.message == "etl: resume"
    assert recorded.texts == [
        "ALTER WAREHOUSE etl SET WAREHOUSE_SIZE = 'XLARGE'",
        "ALTER WAREHOUSE etl RESUME IF SUSPENDED",
    ]


def test_compute_that_is_suspended_already_is_fine(recorded: Recorded, spoken: Any) -> None:
    said = "Invalid state. Warehouse 'ETL' cannot be suspended."
    recorded.refuse("suspend", SnowflakeError("090064", "22000", said))
    done = SnowflakeCompute("etl", "suspend").run(warehouse=spoken)
    assert done.message == "etl was suspended already"


def test_compute_that_is_not_there(recorded: Recorded, spoken: Any) -> None:
    recorded.refuse("alter", SnowflakeError("002043", "02000", "Object does not exist"))
    with pytest.raises(FAIL, match="Object does not exist"):
        SnowflakeCompute("etl", "suspend").run(warehouse=spoken)


def test_compute_can_only_be_resumed_or_suspended() -> None:
    with pytest.raises(FlowError, match="did you mean 'resume'"):
        SnowflakeCompute("etl", "resme")

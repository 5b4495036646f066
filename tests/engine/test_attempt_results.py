"""Results that are stored: the same value comes back, whole files only, named as the task says."""

from __future__ import annotations

import builtins
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import task
from orchestrator.engine.messages import Gathered, Slot
from orchestrator.engine.results import files, formats, stored
from orchestrator.engine.results.digests import digest
from orchestrator.engine.results.files import ResultError
from orchestrator.engine.results.stored import Stored
from orchestrator.errors import ConfigurationError, FlowError
from tests.engine.attempts import tried

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
SCALARS = st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.decimals()
PICKLED = st.tuples(SCALARS, SCALARS) | st.frozensets(st.integers() | st.text())
FRAME = pd.DataFrame({"n": [1, 2], "x": [0.5, None], "t": ["a", None]})
TIMES = pd.to_datetime(["2026-03-29T01:30", None], utc=True)
PAIRS = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
MIXED = pd.DataFrame({"mixed": [1, "a"], "none": [None, float("nan")]})
FRAMES = [
    (FRAME, "parquet"),
    (pd.DataFrame({"at": TIMES}, index=[7, 3]), "parquet"),
    (pd.DataFrame({"k": pd.Categorical(["b", "a", "b"], ordered=True)}), "parquet"),
    (MIXED, "pickle"),
    (pd.DataFrame({"nested": [[1, 2], {"a": 1}]}), "pickle"),
    (pd.DataFrame([[1, 2]], columns=["same", "same"]), "pickle"),
    (pd.DataFrame({1: [1], 2: [2]}), None),
    (pd.DataFrame({"v": [1, 2]}, index=PAIRS), None),
    (pd.DataFrame({"v": [1.0, 2.0]}, index=pd.date_range("2026-01-01", periods=2)), None),
    (pd.DataFrame(), None),
]


@task(persist=True)
def same(x: Any) -> Any:
    return x


def round_trip(value: Any, folder: Path, form: str | None = None) -> tuple[Any, Stored]:
    made = stored.write(str(folder / "value"), value, form)
    return stored.given(made.described()).load(), made


@settings(max_examples=80, deadline=None)
@given(value=JSON | PICKLED)
def test_any_value_comes_back_as_it_was(
    value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    back, _ = round_trip(value, tmp_path_factory.getbasetemp())
    assert digest(back) == digest(value), "NaN is not equal to itself, and 1 is equal to True"


@pytest.mark.parametrize(("frame", "form"), FRAMES, ids=range(len(FRAMES)))
def test_a_data_frame_comes_back_as_it_was(
    frame: pd.DataFrame, form: str | None, tmp_path: Path
) -> None:
    back, stored = round_trip(frame, tmp_path)
    pd.testing.assert_frame_equal(
        back, frame, check_exact=True, check_index_type="exact", check_column_type="exact"
    )
    assert form is None or stored.format == form


@pytest.mark.parametrize(("column", "form"), [("d", "parquet"), ("l", "pickle")])
def test_an_arrow_table_comes_back_as_it_was(column: str, form: str, tmp_path: Path) -> None:
    """Parquet names the items of a list otherwise."""
    columns = {"d": pa.array(["a", "b", "a"]).dictionary_encode(), "l": [[1], [], None]}
    table = pa.table({column: columns[column]}).replace_schema_metadata({b"own": b"word"})
    back, stored = round_trip(table, tmp_path)
    assert (stored.format, back.equals(table, check_metadata=True)) == (form, True)


@pytest.mark.parametrize(
    ("value", "form"),
    [([1], "json"), ((1,), "pickle"), ({1: 2}, "pickle"), (float("nan"), "pickle"),
     (FRAME, "parquet"), (MIXED, "pickle")],
)  # fmt: skip
def test_the_format_is_chosen_by_the_value(value: Any, form: str) -> None:
    assert formats.dump(value)[1] == form


def test_a_format_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FlowError, match="a tuple would not come back from JSON as it was"):
        formats.dump((1,), "json")
    with pytest.raises(FlowError, match="a list cannot be written as Parquet"):
        formats.dump([1], "parquet")
    with pytest.raises(FlowError, match="there is no serializer 'yaml'"):
        task(serializer="yaml")(lambda: 1)


def test_parquet_asks_for_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match="Parquet needs pyarrow") as refused:
        formats.dump(FRAME, "parquet")
    assert "pip install pyarrow" in str(refused.value)
    assert formats.dump(pd.DataFrame([[1]]))[1] == "pickle", "left to itself it finds another way"


# -- files -----------------------------------------------------------------------------------


def test_a_task_stores_its_result_in_the_project(tmp_path: Path) -> None:
    report, _ = tried(same, tmp_path, x=[1, 2], key="same[4]", run_id="r1", number=2, flow="a/../b")
    assert report.result is not None
    assert report.result["location"] == str(tmp_path / "results/a_.._b/r1/same[4]-2.json")
    assert (report.result["format"], report.result["length"]) == ("json", 2)
    assert stored.given(report.result).load() == [1, 2]
    assert stat.S_IMODE(os.stat(report.result["location"]).st_mode) == 0o600


def test_a_location_is_filled_in(tmp_path: Path) -> None:
    where = same.copy(result="{flow}/{date:%Y-%m}/{x}-{parameters[n]}-{map_index}.pkl")
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    report, _ = tried(
        where, tmp_path, x="../../etc", key="same[4]", parameters={"n": 5}, scheduled_time=at
    )
    assert report.result is not None
    assert report.result["location"] == str(tmp_path / "results/f/2026-03/.._.._etc-5-4.pkl")
    assert report.result["format"] == "pickle"


@pytest.mark.parametrize(
    ("template", "key", "said"),
    [("{nothing}.json", "same", "cannot be filled in"),
     ("one.json", "same[3]", "is one file for all elements")],
)  # fmt: skip
def test_a_location_that_cannot_be_right(
    template: str, key: str, said: str, tmp_path: Path
) -> None:
    report, _ = tried(same.copy(result=template), tmp_path, key=key, x=1)
    assert report.state.is_failed()
    assert said in report.state.message


def test_a_location_can_be_anywhere_that_fsspec_reaches() -> None:
    report, _ = tried(same.copy(result="memory://bucket/{task}-{run_id}.json"), x={"a": 1})
    assert report.result is not None
    made = stored.given(report.result)
    assert (made.missing(), made.load()) == ("", {"a": 1})
    files.write(made.location, b'{"a": 2}')
    assert "was changed" in made.missing()
    files.remove(made.location)
    assert "is gone" in made.missing()
    report, _ = tried(same.copy(result="nowhere://x.json"), x=1)
    assert "could not be stored" in report.state.message


def test_a_place_that_cannot_be_reached_from_here() -> None:
    kept = {"format": "json", "digest": "x", "size": 1}
    assert stored.unusable({"location": "gs://bucket/x.json", **kept}) == "", (
        "its driver is missing"
    )
    assert "cannot be looked at" in stored.unusable({"location": "nowhere://x.json", **kept})


def test_a_result_that_cannot_be_stored_fails_the_task(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("in the way")
    report, value = tried(same, tmp_path, x=1)
    assert report.state.is_failed()
    assert report.state.message.startswith("its result could not be stored: ")
    assert isinstance(report.error, OSError), "so that retry_on can name it"
    assert value is None
    report, _ = tried(same, tmp_path / "b", x=(i for i in "ab"))
    assert "a generator cannot be stored" in report.state.message


# -- references ------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["gone", "cut", "changed"])
def test_a_file_that_is_not_what_was_written(harm: str, tmp_path: Path) -> None:
    report, _ = tried(same, tmp_path, x=[1, 2, 3])
    assert report.result is not None
    path = Path(report.result["location"])
    data = path.read_bytes()
    assert stored.unusable(report.result) == ""
    path.unlink()
    if harm != "gone":
        path.write_bytes(data[:-1] if harm == "cut" else data.replace(b"2", b"9"))
    word = "gone" if harm == "gone" else "changed"
    assert word in stored.unusable(report.result)
    with pytest.raises(ResultError, match=word):
        stored.given(report.result).load()
    assert stored.usable({"a[1]": report.result, "a": report.result, "b": None}) == {
        "a[1]": None, "a": report.result, "b": None,
    }  # fmt: skip


def test_nobody_unpickles_where_nothing_runs(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("it was unpickled",))

    made = stored.write(str(tmp_path / "x.pkl"), {"a": Bomb()}, "pickle")
    kept = made.described()
    assert stored.unusable(kept) == ""
    assert stored.given(kept)[3].path == (3,), "an element is only named"
    assert stored.usable({"a[0]": kept}) == {"a[0]": kept}


def test_arguments_are_read_where_they_are_needed(tmp_path: Path) -> None:
    whole = stored.write(str(tmp_path / "a.json"), [[1, 2], [3]], None)
    assert (whole.length, whole.lengths) == (2, (2, 1))
    again = stored.given(whole.described())
    assert again == whole
    inputs = [[whole, whole[1], 7]]
    assert stored.taken(Slot(0, (0,)), inputs) == [[1, 2], [3]]
    assert stored.taken(Slot(0, (0, 1, 0)), inputs) == 3
    assert stored.taken(Gathered((0, 0, 0), (0, 1, 2)), inputs) == [[[1, 2], [3]], [3], 7]
    assert list(whole) == [[1, 2], [3]]
    report, value = tried(task(lambda x: x), x=whole)
    assert (report.state.type, value) == ("Success", [[1, 2], [3]])


def test_a_sweep_deletes_old_files_and_empty_folders(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / "old", tmp_path / "b" / "new"
    for path in (old, new):
        path.parent.mkdir()
        path.touch()
    before = datetime(2026, 1, 1, tzinfo=UTC)
    os.utime(old, (before.timestamp() - 1,) * 2)
    os.utime(new, (before.timestamp() + 1,) * 2)
    files.sweep(tmp_path, before)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["b", "new"]

"""Listing, waiting for and deleting files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.context import RunContext
from orchestrator.model.signals import FAIL, SKIP
from tasks.files import DeleteFiles, ListFiles, WaitForFile
from tasks.files.failures import FileMissingError
from tasks.files.place import reach
from tasks.files.writing import replacing

Write = Callable[[str, str | bytes], Path]


def test_a_list_is_sorted_and_has_each_once(write: Write) -> None:
    for name in ("in/b.csv", "in/a.csv", "in/c.txt"):
        write(name, "12345")
    result = ListFiles(["in/*.csv", "in"]).run()
    assert result.value == ["in/a.csv", "in/b.csv", "in/c.txt"]
    assert result.message == "3 files, 15 B"


def test_absolute_addresses_stay_absolute(write: Write, folder: Path) -> None:
    path = write("in/a.csv", "1")
    assert ListFiles(str(folder / "in")).run().value == [str(path)]


def test_names_with_signs_of_patterns(in_tmp: Path) -> None:
    project = in_tmp / "my [new] project*"
    for name in ("in/a[1].csv", "in/b.csv"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("1")
    task = ListFiles("in/*.csv")
    task.project_root = str(project)
    assert task.run().value == ["in/a[1].csv", "in/b.csv"]
    again = ListFiles(task.run().value)
    again.project_root = str(project)
    assert again.run().value == task.run().value


def test_what_is_not_complete_is_not_there(write: Write) -> None:
    write("in/a.csv", "1")
    with replacing(reach("in/b.csv")) as file:
        file.write(b"1")
        assert ListFiles(["in", "in/*"]).run().value == ["in/a.csv"]
    assert ListFiles("in").run().value == ["in/a.csv", "in/b.csv"]


def test_nothing_to_list(folder: Path) -> None:
    assert ListFiles("in/*.csv").run().value == []
    with pytest.raises(FileMissingError):
        ListFiles("in/*.csv", if_missing="fail").run()


def test_a_file_that_comes_while_it_waits(write: Write) -> None:
    timer = threading.Timer(0.3, lambda: write("in/a.csv", "id\n1\n"))
    timer.start()
    result = WaitForFile("in/*.csv", poll=0.05, max_wait=30).run()
    timer.join()
    assert result.value == ["in/a.csv"]
    assert result.detail["waited"] >= 0.2


def test_a_file_that_still_grows_is_not_complete(write: Write, folder: Path) -> None:
    path = write("a.csv", "")
    done = threading.Event()

    def grow() -> None:
        for _ in range(8):
            with path.open("a") as file:
                file.write("row\n")
            done.wait(0.1)

    thread = threading.Thread(target=grow)
    thread.start()
    result = WaitForFile("a.csv", stable_for=0.5, poll=0.05, max_wait=30).run()
    thread.join()
    assert result.detail["bytes"] == 32


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "no file matches in/b"),
        ({"source": "in/a.csv", "min_size": 10}, "in/a.csv has 4 B"),
        ({"source": "in/*.csv", "min_files": 2}, "1 of 2 files match"),
        ({"source": "in/*.csv", "stable_for": 60}, "still changing"),
    ],
)
def test_what_was_missing_when_it_gave_up(how: dict, said: str, write: Write) -> None:
    write("in/a.csv", "1234")
    wait = WaitForFile(**{"source": "in/b.csv", "poll": 0.01, "max_wait": 0.05, **how})
    with pytest.raises(FAIL, match=said) as raised:
        wait.run()
    assert "after 0.05 s" in raised.value.message


def test_giving_up_may_skip(folder: Path) -> None:
    with pytest.raises(SKIP):
        WaitForFile("a.csv", poll=0.01, max_wait=0.02, on_timeout="skip").run()


def test_waiting_ends_when_it_is_told(folder: Path) -> None:
    running = RunContext("r1", "f", "wait")
    timer = threading.Timer(0.2, running.cancelled.set)
    timer.start()
    with context.entered(running), pytest.raises(InterruptedError):
        WaitForFile("a.csv", poll=600, max_wait=None).run()
    timer.join()


def test_a_wait_that_makes_no_sense() -> None:
    with pytest.raises(FlowError, match="cannot wait"):
        WaitForFile("a.csv", poll=0)


def test_what_matches_is_deleted(write: Write, folder: Path) -> None:
    for name in ("in/a.csv", "in/b.csv", "in/c.txt"):
        write(name, "1")
    assert DeleteFiles("in/*.csv", dry_run=True).run().value == ["in/a.csv", "in/b.csv"]
    assert DeleteFiles("in/*.csv").run().value == ["in/a.csv", "in/b.csv"]
    assert [path.name for path in (folder / "in").iterdir()] == ["c.txt"]
    assert DeleteFiles("in/*.csv").run().value == []


def test_more_than_expected_is_not_deleted(write: Write, folder: Path) -> None:
    for number in range(5):
        write(f"in/{number}.csv", "1")
    with pytest.raises(FAIL, match="nothing was deleted"):
        DeleteFiles("in/*.csv", max_files=4).run()
    assert len(list((folder / "in").iterdir())) == 5


def test_a_folder_is_deleted_only_when_said(write: Write, folder: Path) -> None:
    write("in/deep/a.csv", "1")
    with pytest.raises(FlowError, match="in is a folder"):
        DeleteFiles("in").run()
    assert DeleteFiles("in", recursive=True).run().value == ["in/deep/a.csv"]


@pytest.mark.parametrize(
    "address",
    ["/", ".", "..", "/*", "../*", "**", "in/../..", "s3://bucket", "s3://bucket/", "/**"],
)
def test_what_is_never_deleted(address: str, write: Write, folder: Path) -> None:
    write("a.csv", "1")
    options = {"anon": True} if address.startswith("s3") else {}
    with pytest.raises(FlowError, match="holds too much"):
        DeleteFiles(address, recursive=True, storage_options=options).run()
    assert (folder / "a.csv").exists()


@pytest.mark.parametrize("name", ["orchestrator.toml", ".orchestrator/runs.db", ".git/config"])
def test_the_project_itself_is_not_deleted(name: str, write: Write, folder: Path) -> None:
    write(name, "1")
    write("orchestrator.tom", "1")
    pattern = name[:-1] + "?" if "/" not in name else name
    with pytest.raises(FlowError, match="part of the project"):
        DeleteFiles([pattern, "*.tom"]).run()
    assert (folder / name).exists()
    assert (folder / "orchestrator.tom").exists()

"""Copying and moving: a file, a folder, a pattern; whole or not at all; guarded."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model import context
from orchestrator.model.context import RunContext
from orchestrator.model.signals import SKIP
from tasks.files import CopyFiles, MoveFiles
from tasks.files.failures import FileDeniedError, FileError, FileMissingError
from tasks.files.place import reach
from tasks.files.writing import replacing

Write = Callable[[str, str | bytes], Path]


def below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_file_to_a_new_name(write: Write, folder: Path) -> None:
    write("in/a.csv", "id\n1\n")
    result = CopyFiles("in/a.csv", "out/b.csv").run()
    assert result.value == ["out/b.csv"]
    assert result.detail == {"files": 1, "bytes": 5, "left": 0}
    assert below(folder) == ["in/a.csv", "out/b.csv"]


@pytest.mark.parametrize("target", ["out/", "there"])
def test_a_file_into_a_folder(target: str, write: Write, folder: Path) -> None:
    write("a.csv", "id")
    (folder / "there").mkdir()
    assert CopyFiles("a.csv", target).run().value == [f"{target.rstrip('/')}/a.csv"]


def test_a_pattern_keeps_places_below_its_folder(write: Write, folder: Path) -> None:
    for name in ("in/2026/a.csv", "in/2026/b.csv", "in/2027/a.csv", "in/2026/c.txt"):
        write(name, name)
    result = CopyFiles("in/**/*.csv", "out").run()
    assert result.value == ["out/2026/a.csv", "out/2026/b.csv", "out/2027/a.csv"]
    assert (folder / "out/2027/a.csv").read_text() == "in/2027/a.csv"


def test_a_folder(write: Write, folder: Path) -> None:
    write("in/a.csv", "a")
    write("in/deep/b.csv", "b")
    CopyFiles("in", "out").run()
    assert below(folder / "out") == ["a.csv", "deep/b.csv"]


def test_moving_leaves_nothing_behind(write: Write, folder: Path) -> None:
    write("in/a.csv", "a")
    assert MoveFiles("in/*.csv", "done/").run().message == "moved 1 file, 1 B"
    assert below(folder) == ["done/a.csv"]


def test_what_is_there_is_overwritten_left_or_refused(write: Write, folder: Path) -> None:
    write("a.csv", "new")
    write("b.csv", "old")
    with pytest.raises(FileError, match=r"b\.csv is there already"):
        CopyFiles("a.csv", "b.csv", if_exists="fail").run()
    assert CopyFiles("a.csv", "b.csv", if_exists="skip").run().value == []
    assert (folder / "b.csv").read_text() == "old"
    CopyFiles("a.csv", "b.csv").run()
    assert (folder / "b.csv").read_text() == "new"


def test_nothing_to_copy(folder: Path) -> None:
    with pytest.raises(FileMissingError, match=r"no file matches in/\*.csv") as raised:
        CopyFiles("in/*.csv", "out/").run()
    assert raised.value.code == "ENOENT"
    assert "WaitForFile" in str(raised.value.fix)
    with pytest.raises(SKIP):
        CopyFiles("in/*.csv", "out/", if_missing="skip").run()
    assert CopyFiles("in/*.csv", "out/", if_missing="ignore").run().value == []


def test_a_word_that_is_none() -> None:
    with pytest.raises(FlowError, match="if_exists='replace'"):
        CopyFiles("a", "b", if_exists="replace")


def test_a_copy_that_breaks_leaves_the_old_file(write: Write, folder: Path) -> None:
    write("b.csv", "old")

    def interrupted() -> None:
        with replacing(reach("b.csv")) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert below(folder) == ["b.csv"]
    assert (folder / "b.csv").read_text() == "old"


def test_a_copy_stops_when_it_is_told(write: Write, folder: Path) -> None:
    write("a.csv", "a")
    running = RunContext("r1", "f", "copy")
    running.cancelled.set()
    with context.entered(running), pytest.raises(InterruptedError):
        CopyFiles("a.csv", "b.csv").run()
    assert below(folder) == ["a.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(write: Write) -> None:
    write("a.csv", "a").chmod(0)
    with pytest.raises(FileDeniedError, match=r"cannot read a.csv: permission denied"):
        CopyFiles("a.csv", "b.csv").run()


def test_denied_by_the_file_system(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.csv", "a")

    def refuse(*args: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied", "a.csv")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem._open", refuse)
    with pytest.raises(FileDeniedError, match=r"cannot read a.csv: permission denied") as raised:
        CopyFiles("a.csv", "b.csv").run()
    assert raised.value.code == "EACCES"


def test_onto_itself(write: Write) -> None:
    write("in/a.csv", "a")
    with pytest.raises(FlowError, match="onto itself"):
        CopyFiles("in/a.csv", "in/").run()


def test_a_target_that_is_a_file(write: Write) -> None:
    write("in/a.csv", "a")
    write("out", "a file")
    with pytest.raises(FileError, match="out"):
        CopyFiles("in/*.csv", "out").run()


def test_names_are_filled_in(write: Write) -> None:
    write("in/2026-03-01.csv", "a")
    from datetime import UTC, datetime

    at = datetime(2026, 3, 1, 4, tzinfo=UTC)
    running = RunContext("r1", "f", "copy", parameters={"region": "eu"}, scheduled_time=at)
    with context.entered(running):
        copied = CopyFiles("in/{today}.csv", "out/{region}/").run()
        with pytest.raises(FlowError, match="todai"):
            CopyFiles("in/{todai}.csv", "out/").run()
    assert copied.value == ["out/eu/2026-03-01.csv"]


def test_an_unknown_kind_of_address() -> None:
    with pytest.raises(ConfigurationError, match="nosuch://a"):
        CopyFiles("nosuch://a/b.csv", "b.csv").run()


def test_a_secret_that_is_not_set() -> None:
    with pytest.raises(ConfigurationError, match="NOWHERE"):
        CopyFiles("memory://a.csv", "b.csv", storage_options={"key": "secret:NOWHERE"}).run()


def test_a_name_that_leads_out_of_the_folder() -> None:
    with pytest.raises(ConfigurationError, match="leads out"):
        reach("out").below("../etc/passwd")


def test_between_stores_in_memory(write: Write, folder: Path) -> None:
    write("in/a.csv", "id\n1\n")
    CopyFiles("in/*.csv", "memory://stage/").run()
    CopyFiles("memory://stage/a.csv", "memory://stage/b.csv").run()
    assert CopyFiles("memory://stage/*.csv", "back/").run().value == ["back/a.csv", "back/b.csv"]
    assert (folder / "back/b.csv").read_text() == "id\n1\n"


def test_two_copies_to_one_name_never_mix(write: Write, folder: Path) -> None:
    write("a.csv", "a" * 5_000_000)
    write("b.csv", "b" * 5_000_000)
    threads = [
        threading.Thread(target=CopyFiles(name, "out.csv").run) for name in ("a.csv", "b.csv")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set((folder / "out.csv").read_text())) == 1
    assert below(folder) == ["a.csv", "b.csv", "out.csv"]

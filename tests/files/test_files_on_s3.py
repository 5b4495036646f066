"""The same tasks on S3: atomic uploads, globs, wrong buckets and credentials, nothing echoed."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.model import context
from orchestrator.model.context import RunContext
from tasks.files import (
    CopyFiles,
    DeleteFiles,
    Excel,
    ExportTable,
    ListFiles,
    LoadFiles,
    MoveFiles,
    WaitForFile,
)
from tasks.files.failures import FileDeniedError, FileError, FileMissingError
from tasks.files.place import reach
from tasks.files.writing import replacing

Write = Callable[[str, str | bytes], Path]
Query = Callable[[str], list[Any]]


def test_there_and_back(bucket: Any, write: Write, folder: Path) -> None:
    content = os.urandom(12_000_000)
    write("in/a.bin", content)
    write("in/deep/b.bin", b"b")
    address = f"s3://{bucket.name}"
    up = CopyFiles("in", f"{address}/stage", target_storage_options=bucket.options).run()
    assert up.value == [f"{address}/stage/a.bin", f"{address}/stage/deep/b.bin"]
    assert bucket.get("stage/a.bin") == content
    CopyFiles(f"{address}/stage/a.bin", "back.bin", storage_options=bucket.options).run()
    assert (folder / "back.bin").read_bytes() == content


def test_within_the_store(bucket: Any) -> None:
    bucket.put("in/a.csv", b"id\n1\n")
    address = f"s3://{bucket.name}"
    MoveFiles(f"{address}/in/*.csv", f"{address}/done/", storage_options=bucket.options).run()
    assert bucket.keys() == ["done/a.csv"]
    assert bucket.get("done/a.csv") == b"id\n1\n"


def test_an_upload_that_breaks_leaves_nothing(bucket: Any) -> None:
    bucket.put("a.bin", b"old")

    def interrupted(size: int) -> None:
        with replacing(reach(f"s3://{bucket.name}/a.bin", bucket.options)) as file:
            file.write(b"x" * size)
            raise RuntimeError

    for size in (10, 60_000_000):  # before, and after parts were sent
        with pytest.raises(RuntimeError):
            interrupted(size)
    assert bucket.keys() == ["a.bin"]
    assert bucket.get("a.bin") == b"old"
    uploads = bucket.client().list_multipart_uploads(Bucket=bucket.name)
    assert not uploads.get("Uploads")


def test_list_wait_delete(bucket: Any) -> None:
    pattern, options = f"s3://{bucket.name}/in/*.csv", {"storage_options": bucket.options}
    assert ListFiles(pattern, **options).run().value == []
    bucket.put("in/a.csv", b"id\n1\n")
    bucket.put("in/other.txt", b"")
    found = [f"s3://{bucket.name}/in/a.csv"]
    assert ListFiles(pattern, **options).run().value == found
    assert (
        WaitForFile(pattern, min_size=5, stable_for=0.1, poll=0.05, **options).run().value == found
    )
    assert DeleteFiles(pattern, **options).run().value == found
    assert bucket.keys() == ["in/other.txt"]


def test_load_and_export(bucket: Any, warehouse: Any, query: Query) -> None:
    bucket.put("in/a.csv", b"id,name\n1,x\n2,y\n")
    bucket.put("in/b.csv", b"id,name\n3,z\n")
    address, options = f"s3://{bucket.name}", {"storage_options": bucket.options}
    load = LoadFiles(f"{address}/in/*.csv", "orders", file_column="file", once=True, **options)
    assert load.run(warehouse=warehouse).rows == 3
    assert load.run(warehouse=warehouse).rows == 0
    assert query("select file from orders where id = 3") == [(f"{address}/in/b.csv",)]
    for ending in ("csv", "parquet", "jsonl", "xlsx", "csv.gz"):
        target = f"{address}/out/orders.{ending}"
        ExportTable("orders", target, **options).run(warehouse=warehouse)
        again = LoadFiles(target, "again", mode="replace", **options)
        assert again.run(warehouse=warehouse).rows == 3, ending
        assert query("from again order by id") == query("from orders order by id")


def test_an_excel_file_that_is_none(bucket: Any, warehouse: Any) -> None:
    bucket.put("in/a.xlsx", b"no workbook")
    load = LoadFiles(
        f"s3://{bucket.name}/in/a.xlsx", "t", format=Excel(), storage_options=bucket.options
    )
    with pytest.raises(FileError, match="is no Excel workbook"):
        load.run(warehouse=warehouse)


def test_a_bucket_that_is_none(bucket: Any, folder: Path) -> None:
    with pytest.raises(FileMissingError, match="no such bucket") as raised:
        ListFiles("s3://nobody-has-this/in/", storage_options=bucket.options).run()
    assert raised.value.code == "NoSuchBucket"
    with pytest.raises(FileMissingError, match="no such bucket"):
        WaitForFile(
            "s3://nobody-has-this/in/*.csv", poll=0.01, max_wait=5, storage_options=bucket.options
        ).run()
    (folder / "a.csv").write_text("id")
    with pytest.raises(FileMissingError, match="no such bucket"):
        CopyFiles(
            "a.csv", "s3://nobody-has-this/a.csv", target_storage_options=bucket.options
        ).run()


@pytest.fixture
def guarded(bucket: Any) -> Iterator[Any]:
    """The bucket on a server that looks at credentials."""

    def after(actions: int | str) -> None:
        request = urllib.request.Request(
            f"{bucket.server}/moto-api/reset-auth",
            data=str(actions).encode(),
            headers={"Content-Type": "text/plain"},
        )
        with urllib.request.urlopen(request) as answer:
            assert json.loads(answer.read())["status"] == "ok"

    bucket.put("in/a.csv", b"id\n1\n")
    after(0)
    yield bucket
    after("inf")


@pytest.mark.parametrize("task", ["list", "load", "copy"])
def test_wrong_credentials_are_told_and_never_echoed(
    task: str, guarded: Any, folder: Path, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SECRET_WRONG", "very-wrong-secret-value")
    options = {**guarded.options, "key": "AKIAWRONGWRONGWRONG1", "secret": "secret:WRONG"}
    address = f"s3://{guarded.name}/in/a.csv"
    made = {
        "list": lambda: ListFiles(address, storage_options=options),
        "load": lambda: LoadFiles(address, "orders", storage_options=options),
        "copy": lambda: CopyFiles(address, "a.csv", storage_options=options),
    }[task]()
    with pytest.raises(FileDeniedError) as raised:
        made.run(warehouse=warehouse) if task == "load" else made.run()
    text = f"{raised.value} {raised.value!r} {raised.value.__cause__} {made.__dict__}"
    assert "very-wrong-secret-value" not in text
    assert "storage_options" in str(raised.value.fix)


def test_a_server_that_nobody_is_at(folder: Path) -> None:
    options = {
        "key": "a", "secret": "b", "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }  # fmt: skip
    with pytest.raises(FileError, match="cannot be reached") as raised:
        ListFiles("s3://bucket/in/", storage_options=options).run()
    assert raised.value.code == "UNREACHABLE"


def test_s3_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def absent(*args: Any, **options: Any) -> Any:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "get_filesystem_class", absent)
    with pytest.raises(ConfigurationError) as raised:
        reach("s3://bucket/a.csv")
    assert 'pip install "analytics-orchestrator[s3]"' in str(raised.value.fix)


def test_options_that_do_not_fit_the_store() -> None:
    with pytest.raises(ConfigurationError, match="do not fit"):
        reach("github://a.csv", {"organisation": "no such option"})


def test_an_upload_stops_when_it_is_told(bucket: Any, write: Write) -> None:
    write("a.bin", b"x" * 1000)
    running = RunContext("r1", "f", "copy")
    running.cancelled.set()
    task = CopyFiles("a.bin", f"s3://{bucket.name}/a.bin", target_storage_options=bucket.options)
    with context.entered(running), pytest.raises(InterruptedError):
        task.run()
    assert bucket.keys() == []

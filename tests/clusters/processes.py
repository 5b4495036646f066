"""A Dask cluster of processes of their own, as machines would be, that tests reach by its address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_PATIENCE = 60.0


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """Start a scheduler for a block; gives its address."""
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with _process("dask_scheduler", *options, "--scheduler-file", str(file)) as process:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            if file.is_file() and file.stat().st_size:
                break
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"]


@contextmanager
def worker(address: str, path: Path | None = None) -> Iterator[None]:
    """Start a worker of one thread for a block.

    Args:
        address: Of its scheduler.
        path: A folder whose packages hide those of the environment.
    """
    options = ["--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    with _process("dask_worker", address, *options, environment=environment):
        yield


@contextmanager
def of_two(folder: Path, other: Path | None = None) -> Iterator[str]:
    """A scheduler and two workers; gives its address.

    Args:
        folder: For the scheduler's file.
        other: Packages that the second worker alone has.
    """
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(folder))
        stack.enter_context(worker(address))
        stack.enter_context(worker(address, other))
        await_workers(address, 2)
        yield address


def await_workers(address: str, count: int) -> None:
    """Wait until a scheduler has so many workers."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=_PATIENCE)


def environment_with(folder: Path, package: str, version: str) -> Path:
    """A folder in which a package of another version is installed, as far as metadata tell."""
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return folder


@contextmanager
def _process(
    module: str, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(_PATIENCE)

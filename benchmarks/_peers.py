"""Other orchestrators at the same work, each in an environment of its own that is made for it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

PREFECT_3 = """
    import time
    from prefect import flow, task
    @task
    def noop(x): return x
    @flow
    def many(n): return [f.result() for f in noop.map(list(range(n)))]
    many(2)
    start = time.perf_counter(); many(N); print(time.perf_counter() - start)
"""
DAGSTER = """
    import time
    from dagster import DynamicOut, DynamicOutput, job, op
    @op(out=DynamicOut())
    def numbers():
        for i in range(N): yield DynamicOutput(i, str(i))
    @op
    def noop(x): return x
    @job
    def many(): numbers().map(noop)
    start = time.perf_counter(); assert many.execute_in_process().success
    print(time.perf_counter() - start)
"""
PREFECT_1 = """
    import time
    from prefect import Flow, task
    from prefect.executors import LocalDaskExecutor
    @task
    def noop(x): return x
    with Flow("many") as flow: noop.map(list(range(N)))
    start = time.perf_counter(); assert flow.run(executor=LocalDaskExecutor()).is_successful()
    print(time.perf_counter() - start)
"""
#: Name, what is installed, program, and how many times slower than ours it should be.
PEERS = (
    # Its server does not start with the FastAPI that is newest.
    ("Prefect 3", ("prefect>=3,<4", "fastapi<0.130"), PREFECT_3, 15),
    ("Dagster, in process", ("dagster",), DAGSTER, 30),
    (
        "Prefect 1.4.1",
        (
            "prefect==1.4.1", "pendulum==2.1.2", "marshmallow==3.19.0", "marshmallow-oneofschema==3.0.1",
            "croniter==1.3.8", "click==8.1.3", "dask==2022.12.1", "distributed==2022.12.1",
            "setuptools<70",
        ),
        PREFECT_1,
        10,
    ),
)  # fmt: skip


def peer_rows(ours: Callable[[], float], n: int, rounds: int) -> Iterator[str]:
    """Run each peer in turn with ours; yield a line for each.

    Args:
        ours: Does our work once and says how many seconds it took.
        n: So many mapped no-ops.
        rounds: So many pairs; shown are the medians, and the median of the pairs' ratios.
    """
    for name, needs, program, times in PEERS:
        label = f"{name}, mapped no-ops"
        with tempfile.TemporaryDirectory(prefix="peer_") as folder:
            try:
                peer = _Peer(Path(folder), needs, program.replace("N", str(n)))
                pairs = [_pair(ours, peer, late=i % 2 == 1) for i in range(rounds)]
            except (subprocess.SubprocessError, OSError) as error:
                yield f"{label:44} could not be measured: {_last_words(error)}"
                continue
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(they / we for we, they in pairs)
        verdict = "ok" if ratio >= times else "MISSED"
        yield (
            f"{label:44} ours {mine:9.3f}  theirs {theirs:9.3f}  {ratio:6.1f} x slower, "
            f"at least {times}: {verdict}"
        )


def _pair(ours: Callable[[], float], peer: _Peer, *, late: bool) -> tuple[float, float]:
    """Seconds of both, one after the other; ours first unless it is to be late."""
    if late:
        theirs = peer.seconds()
        return ours(), theirs
    return ours(), peer.seconds()


class _Peer:
    """Another orchestrator, in an environment of its own."""

    def __init__(self, folder: Path, needs: tuple[str, ...], program: str) -> None:
        self._folder, self._program = folder, textwrap.dedent(program)
        self._python = str(folder / "env" / "bin" / "python")
        self._run([sys.executable, "-m", "venv", str(folder / "env")])
        self._run([self._python, "-m", "pip", "install", "--quiet", *needs])

    def seconds(self) -> float:
        """How long its program says that its work took."""
        return float(self._run([self._python, "-c", self._program]).split()[-1])

    def _run(self, words: list[str]) -> str:
        own = ("PREFECT", "DAGSTER", "PYTHON")
        env = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        env |= {"HOME": str(self._folder), "PREFECT_HOME": str(self._folder), "DO_NOT_TRACK": "1"}
        return subprocess.run(
            words,
            cwd=self._folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=900,
            check=True,
        ).stdout


def _last_words(error: Exception) -> str:
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    last = [line for line in lines if "Error" in line][-1:] or lines[-1:]
    return " ".join(last)[:150]

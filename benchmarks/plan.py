"""How long ``orchestrator plan`` takes on a large project, cold and warm, the process's start included.

    python benchmarks/plan.py
    python benchmarks/plan.py --tests 5000 --check

The project has 5,000 dbt models and 1,000 SQL files beside them, each in a file of its own, and a
manifest.json that is there already. It is planned with ``--manifest target/manifest.json``, and
plainly, where the planner finds by its own stamp that the manifest still says what the files say.
dbt itself never runs here: the set-up writes that stamp through the function that writes it after
dbt has parsed. Cold means that the folder of the planner's state is gone (for the plain plan: that
nothing is left in it but the stamp); warm, that nothing changed since the plan before.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _projects

PROJECT = """\
name: shop
version: "1.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
"""
PROFILES = """\
shop:
  target: dev
  outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 4}}
"""
#: Seconds; of wall time on an idle machine.
COLD, WARM = 10.0, 1.5
_STATE = ".orchestrator"
_MANIFEST = "target/manifest.json"
_FLAG = ("--manifest", _MANIFEST)
#: Byte code of the planner; a folder that dbt's project does not hold.
_BYTE_CODE = "../plan_byte_code"
#: Variables of this process that would change what is measured.
_FOREIGN = ("DBT_", "COLUMNS", "PYTHON", "ORCHESTRATOR_")


@dataclass(frozen=True)
class Plan:
    """What one plan took: seconds of wall time and of CPU, and the peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


def generate(folder: Path, models: int, files: int, tests: int) -> None:
    """Write the project, its manifest, and the stamp that the manifest is fresh."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILES)
    manifest = _projects.write_manifest(folder / _MANIFEST, models, tests)
    for node in orjson.loads(manifest.read_bytes())["nodes"].values():
        if node["resource_type"] == "model":
            path = folder / node["original_file_path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(node["raw_code"])
    _projects.write_sql_files(folder / "sql", files, models)
    stamp(folder)


def stamp(folder: Path) -> None:
    """Note that the manifest says what the project's files say, as after a parse by dbt."""
    from tasks.dbt import freshness
    from tasks.dbt.options import DbtOptions

    path = str(folder / _MANIFEST)
    freshness.stamp(DbtOptions(project_dir=str(folder)), path, folder / _STATE)


def clean(folder: Path) -> None:
    """Take away all that earlier plans left."""
    shutil.rmtree(folder / _STATE, ignore_errors=True)


def plan(folder: Path, words: Sequence[str] = ()) -> Plan:
    """Plan once, in a new process.

    Raises:
        SystemExit: The plan failed; its last words are shown.
    """
    program = Path(sys.executable).parent / "orchestrator"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / _BYTE_CODE)
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(program), "plan", ".", *words],
            cwd=folder, env=environment, stdout=said, stderr=said,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"the plan failed:\n{said.read().decode(errors='replace')[-2000:]}")
    return Plan(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def report(name: str, plans: Sequence[Plan], limit: float) -> bool:
    """Print the medians of some plans, and return whether they keep to the limit."""
    wall, cpu, memory = (
        statistics.median(getattr(one, what) for one in plans) for what in ("wall", "cpu", "memory")
    )
    best = min(one.wall for one in plans)
    verdict = "ok" if wall <= limit else "MISSED"
    print(
        f"{name:16} wall {wall:6.2f} s (best {best:.2f})  cpu {cpu:6.2f} s  peak {memory:4.0f} MiB"
        f"  at most {limit:g} s: {verdict}  load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return wall <= limit


def compare(folder: Path, rounds: int) -> bool:
    """Measure the cold and the warm plan, with ``--manifest`` and without."""
    kept = True
    plan(folder, _FLAG)  # leaves the byte code
    for words in (_FLAG, ()):
        name = "--manifest" if words else "plain"
        cold = []
        for _ in range(rounds):
            clean(folder)
            if not words:
                stamp(folder)
            cold.append(plan(folder, words))
        kept &= report(f"{name} cold", cold, COLD)
        kept &= report(f"{name} warm", [plan(folder, words) for _ in range(rounds)], WARM)
    return kept


def main() -> int:
    """Generate, plan, print; 1 with ``--check`` if a target was missed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--models", type=int, default=5000)
    arguments.add_argument("--files", type=int, default=1000)
    arguments.add_argument("--tests", type=int, default=0)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    arguments.add_argument("--keep", metavar="FOLDER", help="generate into FOLDER and leave it")
    given = arguments.parse_args()
    around = Path(given.keep or tempfile.mkdtemp(prefix="plan_")).resolve()
    folder = around / "shop"
    if not (folder / "dbt_project.yml").exists():
        generate(folder, given.models, given.files, given.tests)
    print(f"{given.models} models, {given.tests} tests, {given.files} SQL files")
    kept = compare(folder, given.rounds)
    if not given.keep:
        shutil.rmtree(around)
    return 1 if given.check and not kept else 0


if __name__ == "__main__":
    sys.exit(main())

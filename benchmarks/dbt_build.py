"""Compares ``orchestrator run .`` with ``dbt build`` on generated dbt projects.

    python benchmarks/dbt_build.py --models 500 --pairs 5
    python benchmarks/dbt_build.py --models 500 --ours "python benchmarks/dbt_build.py --session ."

Each run starts cold: a new process, no ``target`` folder, no database.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import sys
import tempfile
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pairs

PROJECT = """\
name: generated
version: "1.0"
profile: generated
flags: {send_anonymous_usage_stats: false}
models: {generated: {+materialized: table}}
"""
PROFILES = """\
generated:
  target: dev
  outputs: {dev: {type: duckdb, path: generated.duckdb, threads: 4}}
"""


def generate(folder: Path, models: int, seed: int = 1) -> None:
    """Write a project of table models, one data test each.

    A tenth of the models read nothing; each other reads one to four earlier ones, near ones
    more often than far ones, as layers do.
    """
    pick = random.Random(seed)
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILES)
    roots, entries = max(1, models // 10), []
    for number in range(models):
        reach = range(max(0, number - 60), number)
        above = pick.sample(reach, min(len(reach), pick.choice((1, 1, 2, 2, 3, 4))))
        above = [] if number < roots else above
        sql = " union all ".join(f"select id, value from {{{{ ref('m{a}') }}}}" for a in above)
        body = f"select id, sum(value) % 97 as value from ({sql}) group by id" if above else None
        source = f"select range as id, range % {number + 2} as value from range(100)"
        (folder / "models" / f"m{number}.sql").write_text((body or source) + "\n")
        kind = pick.choice(("not_null", "unique"))
        entries.append(f"  - {{name: m{number}, columns: [{{name: id, data_tests: [{kind}]}}]}}")
    (folder / "models" / "schema.yml").write_text("models:\n" + "\n".join(entries) + "\n")


def clean(folder: Path) -> None:
    """Take away what a run leaves."""
    for name in ("target", "logs", ".orchestrator"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for file in folder.glob("generated.duckdb*"):
        file.unlink()


def run_session(folder: Path, threads: int, trim: bool) -> int:
    """Build a project through the warm session alone: what the session costs, nothing around it."""
    from tasks.dbt.options import DbtOptions
    from tasks.dbt.session import WarmSession

    session = WarmSession(DbtOptions(str(folder), threads=threads), trim=trim)
    selected = session.parse().selected
    graph = session._task.graph.get_subset_graph(set(selected)).graph
    session.begin()
    waiting = {u: graph.in_degree(u) for u in selected}
    failed = 0
    with ThreadPoolExecutor(threads) as pool:
        running: dict[Future[object], str] = {
            pool.submit(session.run_node, u): u for u, n in waiting.items() if not n
        }
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                failed += not future.result().ok  # type: ignore[attr-defined]
                for below in graph.successors(running.pop(future)):
                    waiting[below] -= 1
                    if not waiting[below]:
                        running[pool.submit(session.run_node, below)] = below
    session.finish()
    return 1 if failed else 0


def main() -> int:
    """Generate, run both commands in pairs, print the ratios."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--models", type=int, default=500)
    arguments.add_argument("--pairs", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=4)
    arguments.add_argument("--ours", help="the command to measure, run in the project's folder")
    arguments.add_argument("--session", metavar="FOLDER", help="build FOLDER by the session alone")
    arguments.add_argument("--no-trim", action="store_true", help="with --session: trim nothing")
    arguments.add_argument("--keep", metavar="FOLDER", help="generate into FOLDER and leave it")
    given = arguments.parse_args()
    if given.session:
        return run_session(Path(given.session).resolve(), given.threads, not given.no_trim)
    folder = Path(given.keep or tempfile.mkdtemp(prefix="dbt_build_"))
    if not (folder / "dbt_project.yml").exists():
        generate(folder, given.models)
    if given.keep and given.pairs == 0:
        return 0
    programs = Path(sys.executable).parent
    ours = given.ours or f"{programs}/orchestrator run . --threads {given.threads}"
    theirs = f"{programs}/dbt build --threads {given.threads} --profiles-dir ."
    print(f"{given.models} models and as many tests; theirs: {theirs}; ours: {ours}")
    runs = _pairs.compare(
        shlex.split(theirs),
        shlex.split(ours),
        pairs=given.pairs,
        cwd=str(folder),
        prepare=lambda: clean(folder),
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )
    print(_pairs.summary(runs))
    if not given.keep:
        shutil.rmtree(folder)
    return max(cost.exit_code for pair in runs for cost in pair)


if __name__ == "__main__":
    sys.exit(main())

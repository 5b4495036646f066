"""Compares ``orchestrator run .`` with ``dbt build`` on generated dbt projects.

    python benchmarks/dbt_build.py --models 500 --pairs 5
    python benchmarks/dbt_build.py --models 500 --ours "python benchmarks/dbt_build.py --session ."
    python benchmarks/dbt_build.py --models 500 --target postgres

Each run starts cold: a new process, no ``target`` folder, no database. On Postgres, where more than
one process may work, ours are two worker processes with as many threads together as ``dbt build``
has; both must leave the same relations and rows.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pairs
from tests import postgres_server

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
  outputs:
    dev: {type: duckdb, path: generated.duckdb, threads: 4}
    postgres:
      type: postgres
      host: "{{ env_var('PGHOST', '') }}"
      port: 5432
      user: test
      password: ""
      dbname: test
      schema: built
      threads: 4
"""
FLOW = """\
from orchestrator import DaskExecutor, Flow
from tasks import DbtBuild

workers = {{"n_workers": 2, "threads_per_worker": {threads}}}
with Flow("build", executor=DaskExecutor(cluster_kwargs=workers)) as flow:
    DbtBuild(target="postgres")()
"""
#: What a run is to take of the time of `dbt build`, on Postgres with two processes.
WANTED = 0.65
#: The hundred rows of a model that reads nothing.
HUNDRED = {"duckdb": "range(100) as t(i)", "postgres": "generate_series(0, 99) as t(i)"}
#: Each relation with its kind and a digest of its rows.
LEFT = """
select c.relname, c.relkind::text, (xpath('/row/d/text()', query_to_xml(format(
    'select md5(string_agg(t::text, \'\',\'\' order by id)) as d from built.%I t', c.relname
), true, true, \'\')))[1]::text
from pg_class c where c.relnamespace = to_regnamespace('built') and c.relkind in ('r', 'v')
order by 1
"""


def generate(folder: Path, models: int, target: str = "duckdb", seed: int = 1) -> None:
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
        body = (
            f"select id, sum(value) % 97 as value from ({sql}) as t group by id" if above else None
        )
        source = f"select i as id, i % {number + 2} as value from {HUNDRED[target]}"
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


class Server:
    """The Postgres server that both build on.

    Args:
        host: Folder of its socket.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.left: list[list[tuple[str, ...]]] = []

    def start_over(self) -> None:
        """Note what the run before has left, if there was one, and take it away."""
        import psycopg

        with psycopg.connect(host=self.host, user="test", dbname="test") as connection:
            found = connection.execute(LEFT).fetchall()
            if found:
                self.left.append(found)
                connection.execute("drop schema built cascade")

    def equal(self, runs: int, models: int) -> bool:
        """Whether every run left the same relations with the same rows."""
        self.start_over()
        whole = len(self.left) == runs and all(len(found) == models for found in self.left)
        return whole and all(found == self.left[0] for found in self.left)


@contextmanager
def server(target: str) -> Iterator[Server | None]:
    """A server of the benchmark's own, where one is needed."""
    if target != "postgres":
        yield None
        return
    with postgres_server.running() as address:
        yield Server(address.partition("host=")[2])


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
    arguments.add_argument("--target", choices=["duckdb", "postgres"], default="duckdb")
    arguments.add_argument("--ours", help="the command to measure, run in the project's folder")
    arguments.add_argument("--session", metavar="FOLDER", help="build FOLDER by the session alone")
    arguments.add_argument("--no-trim", action="store_true", help="with --session: trim nothing")
    arguments.add_argument("--keep", metavar="FOLDER", help="generate into FOLDER and leave it")
    given = arguments.parse_args()
    if given.session:
        return run_session(Path(given.session).resolve(), given.threads, not given.no_trim)
    folder = Path(given.keep or tempfile.mkdtemp(prefix="dbt_build_"))
    if not (folder / "dbt_project.yml").exists():
        generate(folder, given.models, given.target)
    if given.keep and given.pairs == 0:
        return 0
    with server(given.target) as postgres:
        code = compare(given, folder, postgres)
    if not given.keep:
        shutil.rmtree(folder)
    return code


def compare(given: argparse.Namespace, folder: Path, postgres: Server | None) -> int:
    """Run both commands in pairs and print what they cost; returns the worst exit code."""
    python = sys.executable
    ours = given.ours or f"{python} -m orchestrator run . --threads {given.threads}"
    theirs = f"{python} -m dbt.cli.main build --threads {given.threads} --profiles-dir ."
    env = os.environ | {"PYTHONHASHSEED": "0"}
    if postgres is not None:
        (folder / "orchestrator.toml").write_text('name = "generated"\n')
        (folder / "flows").mkdir(exist_ok=True)
        (folder / "flows" / "build.py").write_text(FLOW.format(threads=given.threads // 2))
        ours = given.ours or f"{python} -m orchestrator run build"
        theirs, env = f"{theirs} --target postgres", env | {"PGHOST": postgres.host}

    def prepare() -> None:
        clean(folder)
        if postgres is not None:
            postgres.start_over()

    print(f"{given.models} models and as many tests; theirs: {theirs}; ours: {ours}")
    runs = _pairs.compare(
        shlex.split(theirs),
        shlex.split(ours),
        pairs=given.pairs,
        cwd=str(folder),
        prepare=prepare,
        env=env,
    )
    print(_pairs.summary(runs))
    if postgres is not None:
        if not postgres.equal(2 * given.pairs, given.models):
            print("the runs did not leave the same relations: the figures compare unequal work")
            return 1
        ratio = statistics.median(own.wall / other.wall for other, own in runs)
        print(f"both left the same relations and rows; {ratio:.3f} of the time, wanted {WANTED}")
    return max(cost.exit_code for pair in runs for cost in pair)


if __name__ == "__main__":
    sys.exit(main())

"""How fast lineage is, against parsing alone, on the 99 queries of TPC-DS.

Run ``python benchmarks/lineage.py``. The queries are read from sqlglot's source distribution, which
pip fetches once into the folder given with ``--folder``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import logging
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlglot

from orchestrator.lineage import EffectsCache, analyze_sql

_INSIDE = "/tests/fixtures/optimizer/tpc-ds/"
_ROUNDS = 5


def source_distribution(folder: Path) -> Path:
    """The archive of sqlglot's sources, fetched by pip where it is not yet in ``folder``."""
    version = sqlglot.__version__
    archive = folder / f"sqlglot-{version}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", f"sqlglot=={version}", "--no-deps"]
        subprocess.run([*command, "--no-binary", "sqlglot", "-q", "-d", str(folder)], check=True)
    return archive


def tpc_ds(archive: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The queries, and the columns of the tables."""
    queries: list[str] = []
    schema: dict[str, list[str]] = {}
    with tarfile.open(archive) as sources:
        for member in sources:
            if _INSIDE not in member.name or not member.isfile():
                continue
            content = sources.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name.endswith(".csv.gz"):
                text = gzip.decompress(data).decode()
                schema[Path(member.name).name.removesuffix(".csv.gz")] = next(
                    csv.reader(io.StringIO(text), delimiter="|")
                )
            elif member.name.endswith("tpc-ds.sql"):
                queries = list(_first_of_each_pair(data.decode()))
    return queries, schema


def _first_of_each_pair(text: str) -> Iterator[str]:
    """The file holds each query twice: as written, then as the optimizer leaves it."""
    code = "\n".join(line for line in text.split("\n") if not line.startswith(("#", "--")))
    statements = [part.strip() for part in code.split(";") if part.strip()]
    yield from statements[::2]


def best(run: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Processor time of the shortest of several runs, in milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times) * 1000


def main() -> None:
    """Print one line a measurement."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    folder: Path = arguments.parse_args().folder
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    queries, schema = tpc_ds(source_distribution(folder))
    texts = [f"create table out_{i} as\n{query}" for i, query in enumerate(queries)]
    for dialect in ("duckdb", "snowflake"):
        parse = best(lambda d=dialect: [sqlglot.parse(text, dialect=d) for text in texts])
        tables = best(lambda d=dialect: [analyze_sql(text, dialect=d) for text in texts])
        columns = best(
            lambda d=dialect: [analyze_sql(t, dialect=d, schema=schema).columns for t in texts]
        )
        print(f"{dialect}: {len(texts)} TPC-DS queries")
        print(f"  parse alone     {parse:8.1f} ms")
        print(f"  tables          {tables:8.1f} ms   {tables / parse:4.2f} x parse (at most 1.3)")
        print(f"  tables, columns {columns:8.1f} ms   {columns / parse:4.2f} x parse (at most 5)")
    _thousand_files(texts, folder)


def _thousand_files(texts: list[str], folder: Path) -> None:
    files = [f"-- file {i}\n{texts[i % len(texts)]}" for i in range(1000)]
    path = folder / "lineage-benchmark-cache.json"
    path.unlink(missing_ok=True)

    def read_all() -> None:
        with EffectsCache(path) as cache:
            for text in files:
                cache.analyze(text, dialect="duckdb")

    print(f"1000 files cold   {best(read_all, 1):8.1f} ms (one process)")
    print(f"1000 files warm   {best(read_all):8.1f} ms (at most 300)")


if __name__ == "__main__":
    main()

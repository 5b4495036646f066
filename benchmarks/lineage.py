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


def best(*steps: Callable[[str], object], texts: list[str]) -> list[float]:
    """Processor time of each step over all texts, in milliseconds.

    The steps take turns on each text, and the shortest of several rounds counts, so that what else
    the machine does falls on all alike.
    """
    totals = [0.0] * len(steps)
    for text in texts:
        for index, times in enumerate(_rounds(steps, text)):
            totals[index] += min(times)
    return [total * 1000 for total in totals]


def _rounds(steps: tuple[Callable[[str], object], ...], text: str) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(_ROUNDS):
        for step, taken in zip(steps, times, strict=True):
            start = time.process_time()
            step(text)
            taken.append(time.process_time() - start)
    return times


def main() -> None:
    """Print one line a measurement."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    folder: Path = arguments.parse_args().folder
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    queries, schema = tpc_ds(source_distribution(folder))
    texts = [f"create table out_{i} as\n{query}" for i, query in enumerate(queries)]
    for dialect in ("duckdb", "snowflake"):
        parse, tables, columns = best(
            lambda text, d=dialect: sqlglot.parse(text, dialect=d),
            lambda text, d=dialect: analyze_sql(text, dialect=d),
            lambda text, d=dialect: analyze_sql(text, dialect=d, schema=schema).columns,
            texts=texts,
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
    for name in ("cold", "warm"):
        start = time.process_time()
        with EffectsCache(path) as cache:
            for text in files:
                cache.analyze(text, dialect="duckdb")
        taken = (time.process_time() - start) * 1000
        print(f"1000 files {name}   {taken:8.1f} ms, one process, {cache.hits} hits")


if __name__ == "__main__":
    main()

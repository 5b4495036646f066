"""Large files stream: a load, an export and a copy take little memory, whatever the size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import pages

MEGABYTES = 300
#: Makes the file, then works, and says by how many megabytes the peak of the process grew.
WORK = """
import json, sys
from pathlib import Path
import duckdb, fsspec, pyarrow, pyarrow.csv, pyarrow.parquet
from tasks.files import CopyFiles, ExportTable, LoadFiles
from tasks.duckdb.opening import Opening
from tasks.duckdb.warehouse import DuckDBWarehouse
from tests.peak_memory import peak

def made(size):
    block = b"".join(
        b'%d,"name, of %d",%d.25,2026-03-%02d,some text that fills the line\\n' % (n, n, n, n % 28 + 1)
        for n in range(100_000)
    )
    rows = 0
    with open("large.csv", "wb") as file:
        file.write(b"id,name,amount,day,note\\n")
        while file.tell() < size * 1_000_000:
            file.write(block)
            rows += 100_000
    return rows

small = {"memory_limit": "60MB", "threads": "1", "preserve_insertion_order": "false"}
warehouse = DuckDBWarehouse("w", Opening("w.duckdb", config_options=small), "w")
with warehouse.connect() as connection:
    connection.execute("select 1")
Path("one.csv").write_text('id,name,amount,day,note\\n1,"x",1.5,2026-03-01,y\\n')
LoadFiles("one.csv", "warm").run(warehouse=warehouse)
rows, grown = made(int(sys.argv[1])), {"rows": 0}
before = peak()
grown["loaded"] = LoadFiles("large.csv", "large").run(warehouse=warehouse).rows - rows
grown["load"] = peak() - before
ExportTable("large", "out/large.parquet").run(warehouse=warehouse)
grown["export"] = peak() - before
CopyFiles("large.csv", "copy.csv").run()
grown["copy"] = peak() - before
print(json.dumps(grown))
"""


@pytest.mark.slow
def test_memory_is_bounded(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(MEGABYTES)],
        cwd=folder,
        env={"PYTHONPATH": str(pages.ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    grown = json.loads(done.stdout.splitlines()[-1])
    assert grown["loaded"] == 0
    assert grown["load"] < 200, grown
    assert grown["copy"] < 200, grown

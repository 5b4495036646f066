"""What has to be read again when something changes: what changed, and who sees it in its columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.lineage.tracing.cache import ContentCache
from orchestrator.lineage.tracing.trace import trace
from tests.tracing.flows import column_of, model, reader, short, sql

CHAIN = {
    "staged": "select id, amount from raw.orders",
    "daily": "select sum(amount) as total from staged",
    "wide": "select * from staged",
    "last": "select total from daily",
    "aside": "select name from raw.people",
}


def read_again(cache: ContentCache, changes: dict[str, str]) -> int:
    """Trace the chain with some texts changed; return how many texts had to be read."""
    before = cache.misses
    trace(
        "nightly", [model(name, text) for name, text in {**CHAIN, **changes}.items()], reader(cache)
    )
    return cache.misses - before


@pytest.fixture
def cache() -> ContentCache:
    filled = ContentCache(None, version="1")
    assert read_again(filled, {}) == len(CHAIN)
    return filled


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({}, 0),
        ({"staged": "select id, amount * 2 as amount from raw.orders"}, 1),
        ({"staged": "select id, amount, day from raw.orders"}, 3),  # staged, daily, wide; not last
        ({"daily": "select sum(amount) as sum from staged"}, 2),  # daily, last
        ({"last": "select total from daily -- now"}, 1),
        ({"aside": "select id from raw.people"}, 1),
    ],
    ids=["nothing", "an expression", "one more column", "another name", "the last", "one aside"],
)
def test_only_what_changed_and_who_sees_its_columns_is_read_again(
    cache: ContentCache, changes: dict[str, str], read: int
) -> None:
    assert read_again(cache, changes) == read
    assert read_again(cache, changes) == 0


def test_a_reader_of_a_reader_that_stays_the_same_is_not_read_again(cache: ContentCache) -> None:
    more = {"wide": "select id, amount from staged", "over": "select * from wide"}
    read_again(cache, more)
    wider = {**more, "staged": "select id, amount, day from raw.orders"}
    assert read_again(cache, wider) == 3, "staged, daily, wide; not over"


def test_a_file_holds_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "columns.json"
    text = "create temp table t as select a from x;\ncreate table y as select a, count(*) n from t"

    def traced(cache: ContentCache) -> list[str]:
        graph = trace("nightly", [sql("y", text)], reader(cache))
        cache.save()
        return [short(s) for s in graph.reach(column_of("y.n"), up=True)]

    first, second = (ContentCache(path, version="1") for _ in range(2))
    assert traced(first) == traced(second) == ["main.x.* > main.y.n at sql/y.sql:2 (rows)"]
    assert (first.misses, second.misses, second.hits) == (1, 0, 1)
    assert [entry.name for entry in path.parent.iterdir()] == ["columns.json"]


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"version": "1", "entries": 3}', "\0"])
def test_a_broken_file_counts_as_empty_and_is_replaced(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "columns.json"
    path.write_text(broken)
    cache = ContentCache(path, version="1")
    assert cache.get("k") is None
    cache.put("k", [1])
    cache.save()
    assert ContentCache(path, version="1").get("k") == [1]
    assert ContentCache(path, version="2").get("k") is None


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "columns.json"
    cache = ContentCache(path, version="1", max_bytes=3000)
    for name in ("old", "used", "new"):
        cache.put(name, name * 300)
    cache.get("old")
    cache.save()
    kept = ContentCache(path, version="1")
    assert [kept.get(name) is not None for name in ("old", "used", "new")] == [True, False, True]


def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = ContentCache(tmp_path / "file" / "columns.json", version="1")
    cache.put("k", 1)
    cache.save()
    assert "cannot be written" in caplog.text


IMPORTS = """
import sys
from pathlib import Path
from orchestrator.lineage import EffectsCache
from orchestrator.lineage.tracing.cache import ContentCache
from orchestrator.lineage.tracing.reading import ColumnReader, reader_version
from orchestrator.lineage.tracing.trace import trace
from tests.tracing.flows import model
folder = Path(sys.argv[1])
effects = EffectsCache(folder / "lineage.json")
columns = ContentCache(folder / "columns.json", version=reader_version())
tasks = [model("a", "select x + 1 as x from raw.t"), model("b", "select * from a")]
graph = trace("nightly", tasks, ColumnReader(effects.analyze, columns))
effects.save(); columns.save()
print(columns.misses, "sqlglot" in sys.modules, len(graph.columns))
"""


def test_the_parser_is_not_even_imported_where_everything_is_known(tmp_path: Path) -> None:
    def run() -> str:
        line = [sys.executable, "-c", IMPORTS, str(tmp_path)]
        root = Path(__file__).parents[2]
        done = subprocess.run(
            line, capture_output=True, text=True, check=True, timeout=120, cwd=root
        )
        return done.stdout.strip()

    assert [run(), run()] == ["2 True 3", "0 False 3"]

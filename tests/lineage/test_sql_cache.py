"""The cache of effects: same answers, no parser, and no harm from a bad file."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.lineage import EffectsCache, analyze_sql
from orchestrator.lineage.sql.names import DIALECTS

SCRIPT = """create temp table t as select * from s.a;
insert into "B" select * from t join identifier(:x);
alter table n swap with m; alter table o rename to p;
with unused as (select * from u) select 1;
select from; truncate q; create table if not exists r (x int); drop table v;
copy into @st/x from w;
create procedure z() as $$ begin insert into y select 1; end $$"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "effects.json"


def test_a_hit_says_exactly_what_a_reading_says(path: Path) -> None:
    fresh = analyze_sql(SCRIPT, dialect="snowflake", default_schema="public")
    for _ in range(2):
        with EffectsCache(path) as cache:
            cached = cache.analyze(SCRIPT, dialect="snowflake", default_schema="public")

    assert cache.hits == 1
    assert cached == fresh
    assert len({effect.kind for effect in fresh.statements}) > 8


def test_everything_the_meaning_depends_on_is_in_the_key(path: Path) -> None:
    with EffectsCache(path) as cache:
        for options in (
            {"dialect": "duckdb"},
            {"dialect": "snowflake"},
            {"dialect": "duckdb", "default_schema": "main"},
            {"dialect": "duckdb", "default_catalog": "main"},
        ):
            assert cache.analyze("select * from A", **options) == analyze_sql(
                "select * from A", **options
            )
        cache.analyze("select * from B", dialect="duckdb")

    assert (cache.hits, cache.misses) == (0, 5)


def test_known_tables_count_where_a_search_path_is_set(path: Path) -> None:
    sql = "set search_path = app, public; select * from a"
    with EffectsCache(path) as cache:
        found = [
            {str(d) for d in cache.analyze(sql, dialect="postgres", schema=schema).reads}
            for schema in (None, {"public.a": ["x"]})
        ]

    assert found == [{"app.a"}, {"public.a"}]


def test_a_warm_cache_loads_no_parser(path: Path) -> None:
    with EffectsCache(path) as cache:
        cache.analyze("select * from a", dialect="duckdb")
    program = (
        "import sys; from orchestrator.lineage import EffectsCache\n"
        f"lineage = EffectsCache({str(path)!r}).analyze('select * from a', dialect='duckdb')\n"
        "assert [str(d) for d in lineage.reads] == ['a']\n"
        "sys.exit('sqlglot' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], timeout=60
    )

    assert done.returncode == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\x00\xfe",
        b"[]",
        b"{}",
        b'{"format": "effects-1"}',
        b'{"format": "other", "version": "x", "entries": {}}',
        b"[" * 100_000,
    ],
)
def test_a_broken_or_foreign_file_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with EffectsCache(path) as cache:
        cache.analyze("select * from a", dialect="duckdb")

    assert cache.misses == 1
    assert len(json.loads(path.read_bytes())["entries"]) == 1


def test_an_entry_that_was_tampered_with_is_read_anew(path: Path) -> None:
    with EffectsCache(path) as cache:
        cache.analyze("select * from a", dialect="duckdb")
    stored = json.loads(path.read_bytes())
    stored["entries"] = {key: [[], [["no such kind"]]] for key in stored["entries"]}
    path.write_text(json.dumps(stored))

    with EffectsCache(path) as cache:
        lineage = cache.analyze("select * from a", dialect="duckdb")

    assert [str(dataset) for dataset in lineage.reads] == ["a"]
    assert (cache.hits, cache.misses) == (0, 1)


def test_another_version_of_the_reader_starts_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EffectsCache(path) as cache:
        cache.analyze("select * from a", dialect="duckdb")
    monkeypatch.setattr("orchestrator.lineage.sql.cache.engine_version", lambda: "another")

    with EffectsCache(path) as cache:
        cache.analyze("select * from a", dialect="duckdb")

    assert cache.misses == 1


def test_the_file_keeps_its_size_and_the_entries_used_last(path: Path) -> None:
    with EffectsCache(path, max_bytes=5_000) as cache:
        for number in range(100):
            cache.analyze(f"select * from table_{number}", dialect="duckdb")
            cache.analyze("select * from often", dialect="duckdb")
    assert path.stat().st_size <= 5_000

    with EffectsCache(path) as cache:
        cache.analyze("select * from often", dialect="duckdb")
        cache.analyze("select * from table_99", dialect="duckdb")
        cache.analyze("select * from table_0", dialect="duckdb")

    assert (cache.hits, cache.misses) == (2, 1)


def test_nothing_is_written_where_nothing_was_learnt(path: Path) -> None:
    with EffectsCache(path):
        pass

    assert not path.exists()


def test_a_cache_that_cannot_be_written_only_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")

    with EffectsCache(blocker / "effects.json") as cache:
        cache.analyze("select * from a", dialect="duckdb")

    assert "cannot be written" in caplog.text


def test_threads_may_share_a_cache(path: Path) -> None:
    cache = EffectsCache(path)
    texts = [f"select * from t{number % 20}" for number in range(200)]

    def work() -> None:
        for text in texts:
            cache.analyze(text, dialect="duckdb")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.save()

    assert len(json.loads(path.read_bytes())["entries"]) == 20


def test_an_unknown_dialect_is_an_error_here_too(path: Path) -> None:
    with pytest.raises(ConfigurationError):
        EffectsCache(path).analyze("select 1", dialect="nosql")


def test_the_dialects_that_are_listed_are_those_of_the_parser() -> None:
    from sqlglot.dialects.dialect import Dialects

    assert {dialect.value for dialect in Dialects} - {"dax", "prql", "solr"} == DIALECTS


def test_every_module_that_reads_sql_counts_for_the_version() -> None:
    # The version is a digest of the folder's files: none that reads may lie elsewhere.
    program = (
        "import sys\n"
        "import orchestrator.lineage.sql.encoding, orchestrator.lineage.sql.reader\n"
        "loaded = {n for n in sys.modules if n.startswith('orchestrator.lineage.')}\n"
        "print(sorted(n for n in loaded if not n.startswith('orchestrator.lineage.sql')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        timeout=60,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == "[]", done.stderr

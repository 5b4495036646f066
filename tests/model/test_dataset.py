"""Dataset identity: folding by dialect, quotes, defaults, paths and stages."""

from __future__ import annotations

import pytest

from orchestrator.model.dataset import Dataset, DatasetKind, Namespace, fold, is_path


@pytest.mark.parametrize(
    ("dialect", "unquoted", "quoted"),
    [
        ("snowflake", "ORDERS", "Orders"),
        ("oracle", "ORDERS", "Orders"),
        ("postgres", "orders", "Orders"),
        ("duckdb", "orders", "orders"),
        ("spark", "orders", "orders"),
        ("tsql", "orders", "orders"),
        ("bigquery", "Orders", "Orders"),
        ("mysql", "Orders", "Orders"),
    ],
)
def test_names_fold_as_the_dialect_compares_them(dialect: str, unquoted: str, quoted: str) -> None:
    assert fold("Orders", False, dialect) == unquoted
    assert fold("Orders", True, dialect) == quoted


def test_missing_parts_come_from_the_namespace() -> None:
    namespace = Namespace("snowflake", catalog="PROD", schema="PUBLIC")
    assert str(Dataset.parse("orders", namespace)) == "PROD.PUBLIC.ORDERS"
    assert str(Dataset.parse("raw.orders", namespace)) == "PROD.RAW.ORDERS"
    assert str(Dataset.parse("dev.raw.orders", namespace)) == "DEV.RAW.ORDERS"


def test_one_name_written_three_ways_is_one_dataset() -> None:
    namespace = Namespace("postgres", "db", "public")
    spellings = ["orders", "Public.ORDERS", '"db"."public"."orders"']
    assert len({Dataset.parse(name, namespace) for name in spellings}) == 1


def test_a_dot_inside_quotes_belongs_to_the_name() -> None:
    dataset = Dataset.parse('raw."or.ders"', Namespace("postgres"))
    assert (dataset.schema, dataset.name) == ("raw", "or.ders")


@pytest.mark.parametrize("text", ["", "a.b.c.d", "a..b", '"open', "a."])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"table name|quote"):
        Dataset.parse(text, Namespace())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("reports/daily.html", DatasetKind.FILE),
        ("s3://bucket/x", DatasetKind.FILE),
        ("flights.parquet", DatasetKind.FILE),
        ("@landing/2013", DatasetKind.STAGE),
        ("raw.flights", DatasetKind.TABLE),
    ],
)
def test_paths_and_stages_are_told_from_tables(text: str, kind: DatasetKind) -> None:
    assert Dataset.parse(text, Namespace("duckdb", "db", "main")).kind is kind


def test_paths_keep_their_case() -> None:
    assert Dataset.parse("Out/Daily.CSV", Namespace("snowflake")).name == "Out/Daily.CSV"
    assert not is_path("raw.csv_files")

"""Table functions by name: which read files, and which name tables in their arguments."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

#: Functions whose first argument is a file, a list of files, or a location.
_FILE_FUNCTIONS = frozenset(
    {"read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json", "read_json_auto"}
    | {"read_ndjson", "read_ndjson_auto", "read_json_objects", "read_json_objects_auto"}
    | {"read_ndjson_objects", "read_text", "read_blob", "read_xlsx", "read_avro", "read_duckdb"}
    | {"parquet_metadata", "parquet_schema", "parquet_file_metadata", "parquet_kv_metadata"}
    | {"delta_scan", "iceberg_scan", "iceberg_metadata", "iceberg_snapshots", "sqlite_scan"}
    | {"st_read", "st_read_meta", "sniff_csv", "read_files", "url", "hdfs", "file", "s3", "gcs"}
    | {"azureblobstorage", "deltalake", "iceberg", "hudi", "table_changes_by_path"}
)
_CLUSTER = "cluster"
#: Functions whose first argument names a table: as a text, or a list of texts.
_TABLE_FUNCTIONS = frozenset({"query_table", "table_changes"})
#: ClickHouse's functions that reach tables elsewhere: an address or a cluster, then the table.
_REMOTE = frozenset({"remote", "remotesecure", "cluster", "clusterallreplicas"})
#: Those of other databases: an address, the database and the table.
_FOREIGN = frozenset({"mysql", "postgresql", "mongodb"})
#: Functions whose argument is a query as a text.
QUERIES = frozenset({"query", "openquery"})

Parts = list[tuple[str, bool]]


def name_of(function: exp.Func) -> str:
    """The name of a function in lower case."""
    anonymous = isinstance(function, exp.Anonymous)
    return (function.name if anonymous else function.sql_name()).lower()


def arguments(function: exp.Func) -> list[exp.Expr]:
    """The arguments of a function, in order."""
    first = function.this if not isinstance(function, exp.Anonymous) else None
    rest = list(function.expressions)
    return [first, *rest] if isinstance(first, exp.Expr) else rest


def files(function: exp.Func) -> list[exp.Expr]:
    """The texts among the arguments that are paths of files.

    Args:
        function: A call, of a function of any kind.
    """
    name, given = name_of(function), arguments(function)
    if name.endswith(_CLUSTER) and name.removesuffix(_CLUSTER) in _FILE_FUNCTIONS:
        given = given[1:]  # after the name of the cluster
    elif name not in _FILE_FUNCTIONS:
        return []
    return [text for text in _texts(given[:1]) if text.is_string]


def tables(function: exp.Func) -> list[exp.Expr]:
    """The texts among the arguments that are names of tables."""
    return list(_texts(arguments(function)[:1])) if name_of(function) in _TABLE_FUNCTIONS else []


def given_tables(function: exp.Func) -> list[exp.Column]:
    """The tables that a table function takes: ``f(input => TABLE(t))``."""
    calls = function.find_all(exp.Anonymous)
    inner = (call.expressions[0] for call in calls if name_of(call) == "table" and call.expressions)
    return [column for column in inner if isinstance(column, exp.Column)]


def remote(function: exp.Func) -> Parts:
    """The name of the table that ``remote('host', db.t)`` or ``cluster('c', 'db', 't')`` reaches."""
    if name_of(function) not in _REMOTE:
        return []
    parts: Parts = []
    for argument in arguments(function)[1:3]:
        if isinstance(argument, exp.Column):
            parts += [(part.name, bool(part.args.get("quoted"))) for part in argument.parts]
        elif isinstance(argument, exp.Literal) and argument.is_string:
            parts += [(piece, True) for piece in argument.name.split(".")]
        else:
            return []
        if len(parts) > 1:
            break
    return parts


def foreign(function: exp.Func) -> str:
    """Where ``mysql('host:3306', 'db', 't', …)`` reads, as an address; empty for others."""
    name, given = name_of(function), arguments(function)[:3]
    if name not in _FOREIGN or len(given) < 3:
        return ""
    if not all(isinstance(argument, exp.Literal) for argument in given):
        return ""
    return f"{name}://{given[0].name}/{given[1].name}.{given[2].name}"


def _texts(given: list[exp.Expr]) -> Iterator[exp.Expr]:
    for argument in given:
        for text in argument.expressions if isinstance(argument, exp.Array) else [argument]:
            if isinstance(text, exp.Literal) and text.is_string:
                yield text

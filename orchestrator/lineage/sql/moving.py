"""Statements of single engines that move rows by other words than INSERT and COPY."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.spoken import Inside, datasets_at, file_of, index_of, texts_after
from orchestrator.lineage.sql.tokens import is_text, word


def _apply(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Databricks' ``APPLY CHANGES INTO t FROM s`` and ``AUTO CDC INTO t FROM STREAM(s)``."""
    into, source = index_of(tokens, "INTO"), index_of(tokens, "FROM")
    if not 0 < into < source:
        return None
    effect.kind = StatementKind.MERGE
    start = source + 1
    while start < len(tokens) and word(tokens[start]) in ("SNAPSHOT", "STREAM", "("):
        start += 1
    for name in datasets_at(tokens, start, effect)[0]:
        effect.read(name)
    for name in datasets_at(tokens, into + 1, effect)[0]:
        effect.write(name)
    return Inside()


def _restore(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``RESTORE [TABLE] t TO VERSION AS OF 3``; of databases and files it says no tables."""
    says_table = [word(token) for token in tokens[1:2]] == ["TABLE"]
    if says_table or effect.session.dialect in ("databricks", "spark"):
        effect.kind = StatementKind.ALTER
        for name in datasets_at(tokens, 1 + says_table, effect)[0]:
            effect.write(name)
    return Inside()


def _convert(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Databricks' ``CONVERT TO DELTA t``, which makes another table of the same files."""
    if [word(token) for token in tokens[1:2]] != ["TO"] or len(tokens) < 4:
        return None
    effect.kind = StatementKind.ALTER
    for name in datasets_at(tokens, 3, effect)[0]:
        effect.read(name)
        effect.write(name)
    return Inside()


def _import(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Hive's ``IMPORT TABLE t FROM 'folder'`` and DuckDB's ``IMPORT DATABASE 'folder'``."""
    said = [word(token) for token in tokens]
    if said[1:2] == ["FOREIGN"]:  # makes tables that other statements must name
        return Inside()
    effect.kind = StatementKind.COPY
    start = next((i + 1 for i, name in enumerate(said[:4]) if name in ("TABLE", "INTO")), 0)
    for text in texts_after(tokens, 1)[:1]:
        effect.read(file_of(text))
    for name in datasets_at(tokens, start, effect)[0] if start else []:
        effect.write(name)
    return Inside()


def _export(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``EXPORT TABLE t TO 'folder'`` and ``EXPORT DATABASE 'folder'``; the parser reads EXPORT DATA."""
    kind = word(tokens[1]) if len(tokens) > 1 else ""
    if kind not in ("TABLE", "DATABASE"):
        return None
    effect.kind = StatementKind.COPY
    for name in datasets_at(tokens, 2, effect)[0] if kind == "TABLE" else []:
        effect.read(name)
    for text in texts_after(tokens, 2)[:1]:
        effect.write(file_of(text))
    return Inside()


def _copy(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """DuckDB's ``COPY FROM DATABASE a TO b``; the parser reads the rest."""
    if [word(token) for token in tokens[1:3]] != ["FROM", "DATABASE"]:
        return None
    effect.kind = StatementKind.COPY
    effect.problem("the tables it copies are only known when the statement runs")
    return Inside()


def outfile(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """MySQL's ``SELECT … INTO OUTFILE 'x' …``, wherever in the query that stands."""
    start = index_of(tokens, "OUTFILE", "DUMPFILE")
    if start < 1 or start + 1 >= len(tokens) or not is_text(tokens[start + 1]):
        return None
    effect.kind = StatementKind.COPY
    effect.write(file_of(tokens[start + 1]))
    rest = index_of(tokens, "FROM", start=start)
    return Inside(queries=[[*tokens[: start - 1], *(tokens[rest:] if rest > 0 else [])]])


def logged_errors(tokens: Sequence[Token], effect: EffectBuilder) -> None:
    """Oracle's ``… LOG ERRORS INTO t``: rows that fail go into another table."""
    said = [word(token) for token in tokens]
    for at in range(len(said) - 3):
        if said[at : at + 3] == ["LOG", "ERRORS", "INTO"]:
            for name in datasets_at(tokens, at + 3, effect)[0]:
                effect.write(name)


MOVERS: dict[str, Callable[[Sequence[Token], EffectBuilder], Inside | None]] = {
    "APPLY": _apply,
    "AUTO": _apply,
    "CONVERT": _convert,
    "COPY": _copy,
    "EXPORT": _export,
    "IMPORT": _import,
    "RESTORE": _restore,
}

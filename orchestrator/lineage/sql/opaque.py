"""Statements that the parser leaves unread, read by their tokens, each by its first word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql import moving, reshaping, running
from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.embedded import queries_of
from orchestrator.lineage.sql.script import STATEMENTS
from orchestrator.lineage.sql.settings import set_session
from orchestrator.lineage.sql.spoken import Inside, datasets_at, file_of, index_of, texts_after
from orchestrator.lineage.sql.tokens import is_text, word, words


def look_inside(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Read a statement by its tokens where a parser would not see into it.

    Args:
        tokens: The statement.
        effect: Where its own reads and writes are collected.

    Returns:
        What it holds, or None where the parser should read it.
    """
    first = word(tokens[0])
    handler = _HANDLERS.get(first)
    if handler is None and first.split(" ")[0] in _WITHOUT_DATA:
        return Inside()  # such as MSCK REPAIR, which is one token
    return handler(tokens, effect) if handler else None


def is_known(verb: str) -> bool:
    """Whether statements that begin with this word, in upper case, are read here."""
    return verb in _HANDLERS


def _execute(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``EXECUTE IMMEDIATE 'sql'``, ``EXEC ('sql')``, ``EXEC sp_executesql N'sql'``, ``sp_rename``."""
    effect.kind = StatementKind.CONTROL
    said = [word(token) for token in tokens]
    start = 2 if "IMMEDIATE" in said[1:2] else 1
    if start == 1 and "".join(said[1:]).find("SP_RENAME") >= 0:
        return reshaping.sp_rename(tokens, effect)
    plain_call = start == 1 and len(tokens) > 1 and not is_text(tokens[1]) and said[1] != "("
    procedure = said[1:2] == ["SP_EXECUTESQL"]
    if plain_call and not procedure:
        return Inside()
    start += 1 if procedure else 0
    while start < len(tokens) and said[start] == "(":
        start += 1
    literal = start < len(tokens) and is_text(tokens[start])
    following = said[start + 1] if start + 1 < len(tokens) else ""
    if literal and following in ("", ")", ",", "USING", "INTO"):
        return Inside(scripts=[tokens[start]])
    effect.problem("the SQL it executes is only known when it runs")
    return Inside()


def _insert(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``INSERT INTO t EXEC p``, which the parser does not know."""
    at = index_of(tokens, "EXEC", "EXECUTE", "SELECT", "VALUES", "WITH", "FROM")
    if at < 0 or word(tokens[at]) not in ("EXEC", "EXECUTE"):
        return None
    effect.kind = StatementKind.INSERT
    for name in datasets_at(tokens, 2 if word(tokens[1]) == "INTO" else 1, effect)[0]:
        effect.write(name)
    return Inside()


def _do(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    effect.kind = StatementKind.CONTROL
    return Inside(scripts=texts_after(tokens, 1)[:1])


def _prepare(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    effect.kind = StatementKind.CONTROL
    at = index_of(tokens, "AS", "FROM")
    rest = list(tokens[at + 1 :]) if at > 0 else []
    if rest and is_text(rest[0]):
        return Inside(scripts=rest[:1])
    return Inside(statements=[rest] if rest and word(rest[0]) in STATEMENTS else [])


def _unload(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``UNLOAD ('query') TO 's3://…'`` and ``UNLOAD (query) TO 's3://…'``."""
    effect.kind = StatementKind.COPY
    at = index_of(tokens, "TO", start=1)
    texts = texts_after(tokens, at) if at > 0 else []
    if not texts:
        return None
    effect.write(file_of(texts[0]))
    return Inside(queries=[list(tokens[2 : at - 1])])


def _bulk(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``BULK INSERT t FROM 'file'``."""
    effect.kind = StatementKind.COPY
    written, _ = datasets_at(tokens, 2, effect)
    for text in texts_after(tokens, 2)[:1]:
        effect.read(file_of(text))
    for name in written:
        effect.write(name)
    return Inside()


def _locking(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Teradata's ``LOCKING ROW FOR ACCESS SELECT …``."""
    verbs = ("SELECT", "SEL", "INSERT", "INS", "UPDATE", "UPD", "DELETE", "DEL", "WITH", "CREATE")
    at = index_of(tokens, *verbs)
    return Inside(statements=[list(tokens[at:])] if at > 0 else [])


def _load(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """MySQL's ``LOAD DATA LOCAL INFILE 'x' INTO TABLE t …``."""
    at = index_of(tokens, "INFILE")
    table = index_of(tokens, "TABLE", start=at + 1)
    if at < 0 or table < 0:
        return None if word(tokens[1 if len(tokens) > 1 else 0]) == "DATA" else Inside()
    effect.kind = StatementKind.COPY
    for text in texts_after(tokens, at)[:1]:
        effect.read(file_of(text))
    for name in datasets_at(tokens, table + 1, effect)[0]:
        effect.write(name)
    return Inside()


def _assert(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """BigQuery's ``ASSERT (SELECT …) > 0 AS 'message'``."""
    return Inside(queries=queries_of(tokens))


def _nothing(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    return Inside()


#: First words of statements that move no data between datasets.
_WITHOUT_DATA = words(
    """
    ABORT ADD BACKUP BEGIN CALL CHECK CHECKPOINT CLUSTER COMMENT COMMIT COMPUTE DBCC DEALLOCATE
    DELIMITER DETACH DISCARD END FLASHBACK FLUSH FORCE GET GO GRANT HANDLER HELP
    INSTALL INVALIDATE KILL LIST LISTEN LOCK LS MSCK NOTIFY OPTIMIZE PRAGMA PRINT PURGE
    REASSIGN REINDEX RELEASE RELOAD REMOVE RESET REVOKE RM ROLLBACK SAVEPOINT SECURITY
    SHOW START SYSTEM UNCACHE UNLISTEN UNLOCK UNSET VACUUM
    """
)
_Handler = Callable[[Sequence[Token], EffectBuilder], "Inside | None"]
_HANDLERS: dict[str, _Handler] = {
    "EXECUTE": _execute,
    "EXEC": _execute,
    "DO": _do,
    "INSERT": _insert,
    "PREPARE": _prepare,
    "UNLOAD": _unload,
    "RENAME": reshaping.rename,
    "REFRESH": reshaping.refresh,
    "CREATE": reshaping.create,
    "BULK": _bulk,
    "SET": set_session,
    "ALTER": reshaping.alter,
    "EXCHANGE": reshaping.exchange,
    "LOCKING": _locking,
    "LOAD": _load,
    "ASSERT": _assert,
    "UPDATE STATISTICS": _nothing,
    "UNDROP": reshaping.undrop,
    **dict.fromkeys(("EXPLAIN", "DESCRIBE", "DESC"), running.explain),
    "ANALYZE": running.analyze,
    **moving.MOVERS,
    **dict.fromkeys(_WITHOUT_DATA, _nothing),
}

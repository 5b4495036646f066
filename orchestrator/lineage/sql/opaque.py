"""Statements that the parser leaves unread, read by their tokens: EXECUTE, UNLOAD, RENAME and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.embedded import depth_step, queries_of
from orchestrator.lineage.sql.script import STATEMENTS
from orchestrator.lineage.sql.tables import Named
from orchestrator.lineage.sql.tokens import is_text, word
from orchestrator.model.dataset import Dataset, DatasetKind


@dataclass(slots=True)
class Inside:
    """What stands inside a statement.

    Args:
        scripts: Literals whose text is a script of its own.
        statements: Tokens that are a statement of their own.
        queries: Tokens of a query, or a literal holding one, that this statement reads from.
    """

    scripts: list[Token] = field(default_factory=list)
    statements: list[list[Token]] = field(default_factory=list)
    queries: list[list[Token]] = field(default_factory=list)


def look_inside(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Read a statement by its tokens where a parser would not see into it.

    Args:
        tokens: The statement.
        effect: Where its own reads and writes are collected.

    Returns:
        What it holds, or None where the parser should read it.
    """
    handler = _HANDLERS.get(word(tokens[0]))
    return handler(tokens, effect) if handler else None


def alter_by_name(tokens: Sequence[Token], effect: EffectBuilder) -> None:
    """``ALTER TABLE t`` with an action that the parser does not know: t is written."""
    words = [word(token) for token in tokens[:8]]
    kinds = ("TABLE", "VIEW")
    if words[0] != "ALTER" or not any(kind in words[:4] for kind in kinds):
        return
    start = next(index for index, name in enumerate(words) if name in kinds) + 1
    while start < len(words) and words[start] in ("IF", "EXISTS", "ONLY"):
        start += 1
    effect.kind = StatementKind.ALTER
    for name in _named(tokens, start, effect)[0]:
        effect.write(name)


def _name(tokens: Sequence[Token], start: int) -> tuple[list[tuple[str, bool]], int]:
    """Read a dotted name from ``start`` on: its parts, and the index after it."""
    parts: list[tuple[str, bool]] = []
    index = start
    while index < len(tokens):
        token = tokens[index]
        if is_text(token):
            parts += [(piece, False) for piece in token.text.split(".")]
        else:
            parts.append((token.text, token.token_type == TokenType.IDENTIFIER))
        index += 1
        if index >= len(tokens) or tokens[index].token_type != TokenType.DOT:
            break
        index += 1
    return parts, index


def _named(tokens: Sequence[Token], start: int, effect: EffectBuilder) -> tuple[list[Named], int]:
    if start >= len(tokens):
        return [], start
    parts, end = _name(tokens, start)
    dataset = effect.session.table(parts)
    return ([Named(dataset, tokens[start].line)] if dataset else []), end


def _index_of(tokens: Sequence[Token], *wanted: str, start: int = 0) -> int:
    """Index of the first of these words outside parentheses, or -1."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += depth_step(token)
        if index >= start and depth == 0 and word(token) in wanted:
            return index
    return -1


def _texts_after(tokens: Sequence[Token], start: int) -> list[Token]:
    return [token for token in tokens[start:] if is_text(token)]


# -- one function a leading word -------------------------------------------------------------


def _execute(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``EXECUTE IMMEDIATE 'sql'``, ``EXEC ('sql')``, ``EXEC sp_executesql N'sql'``, ``sp_rename``."""
    effect.kind = StatementKind.CONTROL
    words = [word(token) for token in tokens]
    start = 2 if "IMMEDIATE" in words[1:2] else 1
    if start == 1 and "".join(words[1:]).find("SP_RENAME") >= 0:
        return _sp_rename(tokens, effect)
    plain_call = start == 1 and len(tokens) > 1 and not is_text(tokens[1]) and words[1] != "("
    procedure = words[1:2] == ["SP_EXECUTESQL"]
    if plain_call and not procedure:
        return Inside()
    start += 1 if procedure else 0
    while start < len(tokens) and words[start] == "(":
        start += 1
    literal = start < len(tokens) and is_text(tokens[start])
    following = words[start + 1] if start + 1 < len(tokens) else ""
    if literal and following in ("", ")", ",", "USING", "INTO"):
        return Inside(scripts=[tokens[start]])
    effect.problem("the SQL it executes is only known when it runs", tokens[0].line, tokens[0].col)
    return Inside()


def create_by_name(tokens: Sequence[Token], effect: EffectBuilder) -> list[list[Token]]:
    """``CREATE … TABLE t … AS query`` with options that the parser does not know.

    Args:
        tokens: The statement.
        effect: Where t is counted as created.

    Returns:
        The query, if there is one.
    """
    words = [word(token) for token in tokens]
    start = next(i for i, name in enumerate(words) if name in ("TABLE", "VIEW")) + 1
    while words[start : start + 1] and words[start] in ("IF", "NOT", "EXISTS"):
        start += 1
    name, end = _named(tokens, start, effect)
    body = next(
        (i + 1 for i in range(end, len(words)) if words[i] == "AS" and _queries_at(words, i + 1)), 0
    )
    is_view = "VIEW" in words[:start]
    effect.kind = StatementKind.VIEW if is_view else StatementKind.CREATE
    if body and not is_view:
        effect.kind = StatementKind.CREATE_AS
    effect.temporary = any(word in ("TEMP", "TEMPORARY", "VOLATILE") for word in words[:start])
    effect.conditional = "EXISTS" in words[:start]
    queries = [list(tokens[body:])] if body else []
    for created in name:
        effect.create_later(created)
    return queries


def _queries_at(words: Sequence[str], index: int) -> bool:
    while index < len(words) and words[index] == "(":
        index += 1
    return words[index : index + 1] in (["SELECT"], ["WITH"], ["FROM"], ["PIVOT"], ["TABLE"])


def _sp_rename(tokens: Sequence[Token], effect: EffectBuilder) -> Inside:
    texts = _texts_after(tokens, 1)
    if len(texts) == 2:
        old = effect.session.table([(piece, False) for piece in texts[0].text.split(".")])
        if old:
            fresh = effect.session.fold(texts[1].text, False)
            new = Dataset(old.catalog, old.schema, fresh, old.kind)
            effect.kind = StatementKind.RENAME
            effect.rename(Named(old, texts[0].line), Named(new, texts[1].line))
    return Inside()


def _insert(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``INSERT INTO t EXEC p``, which the parser does not know."""
    at = _index_of(tokens, "EXEC", "EXECUTE")
    if at < 0:
        return None
    effect.kind = StatementKind.INSERT
    for name in _named(tokens, 2 if word(tokens[1]) == "INTO" else 1, effect)[0]:
        effect.write(name)
    return Inside()


def _do(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    effect.kind = StatementKind.CONTROL
    return Inside(scripts=_texts_after(tokens, 1)[:1])


def _prepare(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    effect.kind = StatementKind.CONTROL
    at = _index_of(tokens, "AS", "FROM")
    rest = list(tokens[at + 1 :]) if at > 0 else []
    if rest and is_text(rest[0]):
        return Inside(scripts=rest[:1])
    return Inside(statements=[rest] if rest and word(rest[0]) in STATEMENTS else [])


def _unload(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``UNLOAD ('query') TO 's3://…'`` and ``UNLOAD (query) TO 's3://…'``."""
    effect.kind = StatementKind.COPY
    at = _index_of(tokens, "TO", start=1)
    texts = _texts_after(tokens, at) if at > 0 else []
    if not texts:
        return None
    effect.write(Named(Dataset(None, None, texts[0].text, DatasetKind.FILE), texts[0].line))
    return Inside(queries=[list(tokens[2 : at - 1])])


def _rename(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``RENAME TABLE a TO b, c TO d``."""
    effect.kind = StatementKind.RENAME
    position = 2 if [word(token) for token in tokens[1:2]] in (["TABLE"], ["TABLES"]) else 1
    while position < len(tokens):
        old, position = _named(tokens, position, effect)
        new, position = _named(tokens, position + 1, effect)
        if old and new:
            effect.rename(old[0], new[0])
        position += 1
    return Inside()


def _refresh(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    if "MATERIALIZED" not in [word(token) for token in tokens[:2]]:
        return None
    effect.kind = StatementKind.INSERT
    position = 4 if word(tokens[min(3, len(tokens) - 1)]) == "CONCURRENTLY" else 3
    for name in _named(tokens, position, effect)[0]:
        effect.write(name)
    return Inside()


def _create(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Streams and synonyms, which the parser does not know."""
    position = 1
    while position < len(tokens) and word(tokens[position]) in ("OR", "REPLACE", "PUBLIC"):
        position += 1
    kind = word(tokens[position]) if position < len(tokens) else ""
    if kind not in ("STREAM", "SYNONYM"):
        return None
    effect.kind = StatementKind.VIEW
    position += 1
    while position < len(tokens) and word(tokens[position]) in ("IF", "NOT", "EXISTS"):
        position += 1
    created, position = _named(tokens, position, effect)
    source = _index_of(tokens, "ON", "FOR", start=position)
    skip = 2 if kind == "STREAM" else 1
    while source > 0 and word(tokens[min(source + skip - 1, len(tokens) - 1)]) == "EXTERNAL":
        skip += 1
    for name in _named(tokens, source + skip, effect)[0] if source > 0 else []:
        effect.read(name)
    for name in created:
        effect.create(name)
    return Inside()


def _bulk(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``BULK INSERT t FROM 'file'``."""
    effect.kind = StatementKind.COPY
    written, _ = _named(tokens, 2, effect)
    for text in _texts_after(tokens, 2)[:1]:
        effect.read(Named(Dataset(None, None, text.text, DatasetKind.FILE), text.line))
    for name in written:
        effect.write(name)
    return Inside()


def _set(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``SET search_path``, ``SET schema``, ``SET catalog`` and session variables."""
    effect.kind = StatementKind.SESSION
    position = 1
    while position < len(tokens) and word(tokens[position]) in ("LOCAL", "SESSION", "GLOBAL"):
        position += 1
    rest = [t for t in tokens[position:] if word(t) not in ("=", "TO", ",")]
    if len(rest) < 2:
        return Inside()
    values = [_value(token, effect) for token in rest[1:]]
    setting = word(rest[0])
    if setting == "SEARCH_PATH":
        effect.session.search([part for value in values for part in value])
    elif setting in ("SCHEMA", "CURRENT_SCHEMA", "CATALOG"):
        parts, _ = _name(rest, 1)
        effect.session.use(parts, "CATALOG" if setting == "CATALOG" else "SCHEMA")
    elif is_text(rest[1]) and len(rest) == 2:
        effect.session.variables[rest[0].text.lower()] = rest[1].text
    return Inside(queries=queries_of(tokens[position:]))


def _value(token: Token, effect: EffectBuilder) -> list[str]:
    """The names in one value of a search path: a name, or a text with names in it."""
    if not is_text(token):
        return [effect.session.fold(token.text, token.token_type == TokenType.IDENTIFIER)]
    pieces = (piece.strip() for piece in token.text.split(","))
    return [
        effect.session.fold(piece.strip('"'), piece.startswith('"')) for piece in pieces if piece
    ]


def _alter(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``ALTER SESSION SET CURRENT_SCHEMA = x`` and ``ALTER DYNAMIC TABLE t REFRESH``."""
    second = word(tokens[1]) if len(tokens) > 1 else ""
    if second == "SESSION":
        at = _index_of(tokens, "SET")
        return _set(tokens[at:], effect) if at > 0 else Inside()
    exchanged = _index_of(tokens, "EXCHANGE")
    if second == "TABLE" and exchanged > 0:
        return _exchange_partition(tokens, exchanged, effect)
    moved = _index_of(tokens, "APPEND", "SWITCH")
    if second == "TABLE" and moved > 0:
        return _move_rows(tokens, moved, effect)
    if second in ("SYSTEM", "WAREHOUSE", "USER", "ROLE", "DATABASE", "TASK", "PIPE", "STREAM"):
        return Inside()
    return None


def _exchange_partition(
    tokens: Sequence[Token], exchanged: int, effect: EffectBuilder
) -> Inside | None:
    """``ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b``: rows of b come to stand in a."""
    at = _index_of(tokens, "TABLE", start=exchanged)
    if at < 0:
        return None
    effect.kind = StatementKind.COPY
    for name in _named(tokens, at + 1, effect)[0]:
        effect.read(name)
    for name in _named(tokens, 2, effect)[0]:
        effect.write(name)
    return Inside()


def _move_rows(tokens: Sequence[Token], at: int, effect: EffectBuilder) -> Inside | None:
    """Redshift's ``ALTER TABLE a APPEND FROM b`` and T-SQL's ``ALTER TABLE a SWITCH TO b``."""
    link = _index_of(tokens, "FROM" if word(tokens[at]) == "APPEND" else "TO", start=at)
    if link < 0:
        return None
    effect.kind = StatementKind.COPY
    own, other = _named(tokens, 2, effect)[0], _named(tokens, link + 1, effect)[0]
    sources, targets = (other, own) if word(tokens[at]) == "APPEND" else (own, other)
    for name in sources:
        effect.read(name)
    for name in targets:
        effect.write(name)
    return Inside()


def _exchange(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """ClickHouse's ``EXCHANGE TABLES a AND b``."""
    one, after = _named(tokens, 2, effect)
    other, _ = _named(tokens, after + 1, effect)
    effect.kind = StatementKind.SWAP
    for first, second in zip(one, other, strict=False):
        effect.swap(first, second)
    return Inside()


def _locking(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Teradata's ``LOCKING ROW FOR ACCESS SELECT …``."""
    verbs = ("SELECT", "SEL", "INSERT", "INS", "UPDATE", "UPD", "DELETE", "DEL", "WITH", "CREATE")
    at = _index_of(tokens, *verbs)
    return Inside(statements=[list(tokens[at:])] if at > 0 else [])


def _load(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """MySQL's ``LOAD DATA LOCAL INFILE 'x' INTO TABLE t …``."""
    at = _index_of(tokens, "INFILE")
    table = _index_of(tokens, "TABLE", start=at + 1)
    if at < 0 or table < 0:
        return None if word(tokens[1 if len(tokens) > 1 else 0]) == "DATA" else Inside()
    effect.kind = StatementKind.COPY
    for text in _texts_after(tokens, at)[:1]:
        effect.read(Named(Dataset(None, None, text.text, DatasetKind.FILE), text.line))
    for name in _named(tokens, table + 1, effect)[0]:
        effect.write(name)
    return Inside()


def _nothing(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    return Inside()


#: First words of statements that move no data between datasets.
_WITHOUT_DATA = [
    "CALL",
    "EXPLAIN",
    "DESCRIBE",
    "DESC",
    "GRANT",
    "REVOKE",
    "VACUUM",
    "OPTIMIZE",
    "LOCK",
    "UNLOCK",
    "SHOW",
    "LIST",
    "LS",
    "REMOVE",
    "RM",
    "GO",
    "RESET",
    "DISCARD",
    "MSCK",
    "CHECKPOINT",
    "INSTALL",
    "PRAGMA",
    "ANALYZE",
    "COMMENT",
    "BEGIN",
    "END",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "DEALLOCATE",
    "UNSET",
    "KILL",
    "PRINT",
    "CHECK",
    "NOTIFY",
    "LISTEN",
    "UNLISTEN",
    "CLUSTER",
    "REINDEX",
    "DETACH",
    "ABORT",
    "DELIMITER",
    "ADD",
    "RELOAD",
    "INVALIDATE",
    "COMPUTE",
    "HELP",
]
_Handler = Callable[[Sequence[Token], EffectBuilder], "Inside | None"]
_HANDLERS: dict[str, _Handler] = {
    "EXECUTE": _execute,
    "EXEC": _execute,
    "DO": _do,
    "INSERT": _insert,
    "PREPARE": _prepare,
    "UNLOAD": _unload,
    "RENAME": _rename,
    "REFRESH": _refresh,
    "CREATE": _create,
    "BULK": _bulk,
    "SET": _set,
    "ALTER": _alter,
    "EXCHANGE": _exchange,
    "LOCKING": _locking,
    "LOAD": _load,
    **dict.fromkeys(_WITHOUT_DATA, _nothing),
}

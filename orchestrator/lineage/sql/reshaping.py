"""CREATE, ALTER, RENAME and REFRESH read by their tokens, in forms that the parser does not know."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.embedded import depth_step
from orchestrator.lineage.sql.objects import kind_of
from orchestrator.lineage.sql.settings import set_session
from orchestrator.lineage.sql.spoken import (
    Inside,
    datasets_at,
    index_of,
    name_at,
    texts_after,
)
from orchestrator.lineage.sql.tables import Named
from orchestrator.lineage.sql.tokens import word
from orchestrator.model.dataset import Dataset, DatasetKind

#: Dialects in which a whole table is attached as a partition.
_ATTACHES = frozenset({"postgres", "materialize", "risingwave"})
_TRUNCATE_OPTIONS = frozenset(
    {"REUSE", "DROP", "PURGE", "PRESERVE", "CASCADE", "ON", "SYNC", "WITH", "IMMEDIATE", "SETTINGS"}
)


def create_by_name(tokens: Sequence[Token], effect: EffectBuilder) -> list[list[Token]]:
    """``CREATE … TABLE t … AS query`` with options that the parser does not know.

    Args:
        tokens: The statement.
        effect: Where t is counted as created.

    Returns:
        The query, if there is one.
    """
    words = [word(token) for token in tokens]
    start = kind_of(tokens)[1] + 1
    while words[start : start + 1] and words[start] in ("IF", "NOT", "EXISTS"):
        start += 1
    name, end = datasets_at(tokens, start, effect)
    body = next(
        (i + 1 for i in range(end, len(words)) if words[i] == "AS" and _queries_at(words, i + 1)), 0
    )
    effect.columns = _listed(tokens, end, body or len(words))
    is_view = "VIEW" in words[:start]
    effect.kind = StatementKind.VIEW if is_view else StatementKind.CREATE
    if body and not is_view:
        effect.kind = StatementKind.CREATE_AS
    effect.temporary = any(word in ("TEMP", "TEMPORARY", "VOLATILE") for word in words[:start])
    effect.conditional = "EXISTS" in words[:start]
    queries = [list(tokens[body:])] if body else []
    copied = index_of(tokens, "CLONE", "COPY", start=end) if not body else -1
    for source in datasets_at(tokens, copied + 1, effect)[0] if copied > 0 else []:
        effect.kind = StatementKind.CREATE_AS
        effect.read(source)
    for created in name:
        effect.create_later(created)
    return queries


def _listed(tokens: Sequence[Token], start: int, end: int) -> list[str]:
    """The names of the columns in ``t (a, b)``, where the list begins at ``start``."""
    names: list[str] = []
    if start < end and word(tokens[start]) == "(":
        depth = 0
        for before, token in itertools.pairwise(tokens[start:end]):
            depth += depth_step(before)
            if depth == 0:
                break
            if depth == 1 and word(before) in ("(", ","):
                names.append(token.text)
    return names


def _queries_at(words: Sequence[str], index: int) -> bool:
    while index < len(words) and words[index] == "(":
        index += 1
    return words[index : index + 1] in (["SELECT"], ["WITH"], ["FROM"], ["PIVOT"], ["TABLE"])


def drop_by_name(tokens: Sequence[Token], effect: EffectBuilder) -> None:
    """``DROP DYNAMIC TABLE t`` and the like, which the parser does not know."""
    kind, index = kind_of(tokens)
    if word(tokens[0]) != "DROP" or kind not in ("TABLE", "VIEW", "STREAM", "SYNONYM"):
        return
    effect.kind = StatementKind.DROP
    index += 1
    while index < len(tokens) and word(tokens[index]) in ("IF", "EXISTS"):
        index += 1
    while index < len(tokens):
        names, index = datasets_at(tokens, index, effect)
        for name in names:
            effect.drop(name)
        if index >= len(tokens) or word(tokens[index]) != ",":
            break
        index += 1


def truncate_by_name(tokens: Sequence[Token], effect: EffectBuilder) -> bool:
    """``TRUNCATE TABLE t REUSE STORAGE`` and the like; False where the words are not known."""
    index = 1
    while index < len(tokens) and word(tokens[index]) in ("TABLE", "IF", "EXISTS", "ONLY"):
        index += 1
    names, after = datasets_at(tokens, index, effect)
    if word(tokens[0]) != "TRUNCATE" or not names:
        return False
    if after < len(tokens) and word(tokens[after]) not in _TRUNCATE_OPTIONS:
        return False
    effect.kind = StatementKind.TRUNCATE
    for name in names:
        effect.write(name, replaces=True)
    return True


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
    for name in datasets_at(tokens, start, effect)[0]:
        effect.write(name)


def create(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """Streams, synonyms, flows and rules, which the parser does not know."""
    position = 1
    while position < len(tokens) and word(tokens[position]) in ("OR", "REPLACE", "PUBLIC"):
        position += 1
    kind = word(tokens[position]) if position < len(tokens) else ""
    if kind in ("FLOW", "RULE"):
        return _held(tokens, "AS" if kind == "FLOW" else "DO", effect)
    if kind not in ("STREAM", "SYNONYM"):
        return None
    effect.kind = StatementKind.VIEW
    position += 1
    while position < len(tokens) and word(tokens[position]) in ("IF", "NOT", "EXISTS"):
        position += 1
    created, position = datasets_at(tokens, position, effect)
    source = index_of(tokens, "ON", "FOR", start=position)
    if source > 0 and kind == "STREAM":
        while source + 1 < len(tokens) and word(tokens[source]) not in ("TABLE", "VIEW", "STAGE"):
            source += 1
    for name in datasets_at(tokens, source + 1, effect)[0] if source > 0 else []:
        if word(tokens[source]) == "STAGE":
            name = Named(Dataset(None, None, f"@{name.dataset.name}", DatasetKind.STAGE), name.line)
        effect.read(name)
    for name in created:
        effect.create(name)
    return Inside()


def _held(tokens: Sequence[Token], link: str, effect: EffectBuilder) -> Inside | None:
    """``CREATE FLOW f AS statement`` and ``CREATE RULE … DO [ALSO | INSTEAD] statement``."""
    effect.kind = StatementKind.ROUTINE
    start = index_of(tokens, link) + 1
    while 0 < start < len(tokens) and word(tokens[start]) in ("ALSO", "INSTEAD"):
        start += 1
    held = list(tokens[start:]) if start else []
    if not held or word(held[0]) in ("NOTHING", "("):
        return None
    return Inside(statements=[held], deferred=link == "DO")


def undrop(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``UNDROP TABLE t``."""
    kind, index = kind_of(tokens)
    effect.kind = StatementKind.CREATE
    for name in datasets_at(tokens, index + 1, effect)[0] if kind in ("TABLE", "VIEW") else []:
        effect.create(name)
    return Inside()


def alter(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``ALTER SESSION SET CURRENT_SCHEMA = x`` and ``ALTER DYNAMIC TABLE t REFRESH``."""
    second = word(tokens[1]) if len(tokens) > 1 else ""
    if second == "SESSION":
        at = index_of(tokens, "SET")
        return set_session(tokens[at:], effect) if at > 0 else Inside()
    exchanged = index_of(tokens, "EXCHANGE")
    if second == "TABLE" and exchanged > 0:
        return _exchange_partition(tokens, exchanged, effect)
    if second == "SCHEMA":
        return _move_to_schema(tokens, index_of(tokens, "TRANSFER") + 1, 2, effect)
    schema = index_of(tokens, "SCHEMA", start=3)
    movable = schema > 0 and word(tokens[schema - 1]) == "SET"
    if movable and second in ("TABLE", "VIEW", "MATERIALIZED"):
        start = kind_of(tokens)[1] + 1
        return _move_to_schema(tokens, start, schema + 1, effect)
    inherited = index_of(tokens, "INHERIT")
    if second == "TABLE" and inherited > 0:
        return _inherit(tokens, inherited, effect)
    moved = index_of(tokens, "APPEND", "SWITCH", "ATTACH", "REPLACE", "MOVE")
    if second == "TABLE" and moved > 0:
        return _move_rows(tokens, moved, effect)
    if second in ("SYSTEM", "WAREHOUSE", "USER", "ROLE", "DATABASE", "TASK", "PIPE", "STREAM"):
        return Inside()
    return None


def _exchange_partition(
    tokens: Sequence[Token], exchanged: int, effect: EffectBuilder
) -> Inside | None:
    """``ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b``: rows of b come to stand in a."""
    at = index_of(tokens, "TABLE", start=exchanged)
    if at < 0:
        return None
    effect.kind = StatementKind.COPY
    for name in datasets_at(tokens, at + 1, effect)[0]:
        effect.read(name)
    for name in datasets_at(tokens, 2, effect)[0]:
        effect.write(name)
    return Inside()


def _move_rows(tokens: Sequence[Token], at: int, effect: EffectBuilder) -> Inside | None:
    """``ALTER TABLE a APPEND FROM b``, ``… SWITCH TO b``, ``… ATTACH | MOVE PARTITION p …``."""
    gives = word(tokens[at]) in ("SWITCH", "MOVE")
    link = index_of(tokens, "TO" if gives else "FROM", start=at)
    if effect.session.dialect in _ATTACHES and word(tokens[at]) == "ATTACH":
        link = at + 1  # … ATTACH PARTITION b FOR VALUES: b itself
    elif link < 0 or index_of(tokens, "FOR", "IF") > 0:
        return None
    effect.kind = StatementKind.COPY
    if link + 1 >= len(tokens):
        return None
    there = link + 2 if word(tokens[min(link + 1, len(tokens) - 1)]) == "TABLE" else link + 1
    first = next(i for i in range(2, at) if word(tokens[i]) not in ("IF", "EXISTS", "ONLY"))
    own, other = datasets_at(tokens, first, effect)[0], datasets_at(tokens, there, effect)[0]
    sources, targets = (own, other) if gives else (other, own)
    for name in sources:
        effect.read(name)
    for name in targets:
        effect.write(name)
    return Inside()


def _inherit(tokens: Sequence[Token], at: int, effect: EffectBuilder) -> Inside | None:
    """Postgres' ``ALTER TABLE b [NO] INHERIT a``: rows of b stand in a too, or no more."""
    start = 3 if word(tokens[2]) == "ONLY" else 2
    own, parent = datasets_at(tokens, start, effect)[0], datasets_at(tokens, at + 1, effect)[0]
    effect.kind = StatementKind.ALTER
    if word(tokens[at - 1]) != "NO":
        for name in own:
            effect.read(name)
    for name in (*own, *parent):
        effect.write(name)
    return Inside()


def _move_to_schema(
    tokens: Sequence[Token], name: int, schema: int, effect: EffectBuilder
) -> Inside | None:
    """``ALTER TABLE t SET SCHEMA s`` and T-SQL's ``ALTER SCHEMA s TRANSFER t``."""
    if name < 2:
        return Inside()
    while name < len(tokens) and word(tokens[name]) in ("IF", "EXISTS", "ONLY"):
        name += 1
    where, _ = name_at(tokens, schema)
    for old in datasets_at(tokens, name, effect)[0]:
        named = effect.session.fold(*where[-1])
        new = Dataset(old.dataset.catalog, named, old.dataset.name, old.dataset.kind)
        effect.kind = StatementKind.RENAME
        effect.rename(old, Named(new, old.line))
    return Inside()


def exchange(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """ClickHouse's ``EXCHANGE TABLES a AND b``."""
    one, after = datasets_at(tokens, 2, effect)
    other, _ = datasets_at(tokens, after + 1, effect)
    effect.kind = StatementKind.SWAP
    for first, second in zip(one, other, strict=False):
        effect.swap(first, second)
    return Inside()


def rename(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``RENAME TABLE a TO b, c TO d``."""
    effect.kind = StatementKind.RENAME
    position = 2 if [word(token) for token in tokens[1:2]] in (["TABLE"], ["TABLES"]) else 1
    while position < len(tokens):
        old, position = datasets_at(tokens, position, effect)
        new, position = datasets_at(tokens, position + 1, effect)
        if old and new:
            effect.rename(old[0], new[0])
        position += 1
    return Inside()


def sp_rename(tokens: Sequence[Token], effect: EffectBuilder) -> Inside:
    texts = texts_after(tokens, 1)
    if len(texts) == 2:
        old = effect.session.table([(piece, False) for piece in texts[0].text.split(".")])
        if old:
            fresh = effect.session.fold(texts[1].text, False)
            new = Dataset(old.catalog, old.schema, fresh, old.kind)
            effect.kind = StatementKind.RENAME
            effect.rename(Named(old, texts[0].line), Named(new, texts[1].line))
    return Inside()


def refresh(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    if "MATERIALIZED" not in [word(token) for token in tokens[:2]]:
        return None
    effect.kind = StatementKind.INSERT
    effect.keeps_columns = True
    position = 4 if word(tokens[min(3, len(tokens) - 1)]) == "CONCURRENTLY" else 3
    for name in datasets_at(tokens, position, effect)[0]:
        effect.write(name)
    return Inside()

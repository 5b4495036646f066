"""SET and its relatives read by their tokens: search path, default schema, session variables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.embedded import queries_of
from orchestrator.lineage.sql.spoken import Inside, name_at
from orchestrator.lineage.sql.tokens import is_text, word


def set_session(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
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
        parts, _ = name_at(rest, 1)
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

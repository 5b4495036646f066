"""Statements about another statement: EXPLAIN and its relatives, of which some run it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.embedded import end_of_group
from orchestrator.lineage.sql.script import STATEMENTS
from orchestrator.lineage.sql.spoken import Inside, datasets_at, index_of
from orchestrator.lineage.sql.tokens import word

_OFF = ("FALSE", "OFF", "0", "'OFF'", "'FALSE'")
#: What may follow a first word that is a statement elsewhere.
_VERBS = (STATEMENTS | {"VALUES", "TABLE"}) - {"EXECUTE", "EXEC", "CALL", "USE", "BEGIN", "RETURN"}


def explain(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """``EXPLAIN`` tells what would be done; ``EXPLAIN ANALYZE`` does it."""
    start = index_of(tokens, *_VERBS, start=1)
    if start < 0:
        return Inside()
    said = [word(token) for token in tokens[1:start]]
    into = index_of(tokens, "INTO")
    if said[:1] == ["PLAN"] and 0 < into < start:
        for name in datasets_at(tokens, into + 1, effect)[0]:  # Oracle's table of plans
            effect.write(name)
    return Inside(statements=[list(tokens[start:])] if _runs(tokens[1:start]) else [])


def analyze(tokens: Sequence[Token], effect: EffectBuilder) -> Inside | None:
    """MariaDB's ``ANALYZE [FORMAT=JSON] statement``; elsewhere it gathers statistics."""
    start = 4 if [word(token) for token in tokens[1:3]] == ["FORMAT", "="] else 1
    verb = word(tokens[start]) if start < len(tokens) else ""
    return Inside(statements=[list(tokens[start:])] if verb in _VERBS - {"TABLE"} else [])


def _runs(options: Sequence[Token]) -> bool:
    """Whether ANALYZE is said, and not taken back as in ``(ANALYZE off)``."""
    for index, token in enumerate(options):
        if word(token) == "ANALYZE":
            value = options[index + 1].text.upper() if index + 1 < len(options) else ""
            return value not in _OFF
        if word(token) == "(" and end_of_group(options, index + 1) == len(options):
            return False
    return False

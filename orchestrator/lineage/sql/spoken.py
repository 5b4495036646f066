"""Reading names, texts and words off the tokens of a statement that the parser does not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.embedded import depth_step
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
        deferred: It runs when a routine is called, not when this statement does.
    """

    scripts: list[Token] = field(default_factory=list)
    statements: list[list[Token]] = field(default_factory=list)
    queries: list[list[Token]] = field(default_factory=list)
    deferred: bool = False


def name_at(tokens: Sequence[Token], start: int) -> tuple[list[tuple[str, bool]], int]:
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


def datasets_at(
    tokens: Sequence[Token], start: int, effect: EffectBuilder
) -> tuple[list[Named], int]:
    """Read the dataset named from ``start`` on, if there is one, and the index after it."""
    if start >= len(tokens):
        return [], start
    parts, end = name_at(tokens, start)
    dataset = effect.session.table(parts)
    return ([Named(dataset, tokens[start].line)] if dataset else []), end


def index_of(tokens: Sequence[Token], *wanted: str, start: int = 0) -> int:
    """Index of the first of these words outside parentheses, or -1."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += depth_step(token)
        if index >= start and depth == 0 and word(token) in wanted:
            return index
    return -1


def texts_after(tokens: Sequence[Token], start: int) -> list[Token]:
    """The texts in quotes from ``start`` on."""
    return [token for token in tokens[start:] if is_text(token)]


def file_of(token: Token) -> Named:
    """The file whose path a text is."""
    return Named(Dataset(None, None, token.text, DatasetKind.FILE), token.line)

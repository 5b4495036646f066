"""SQL inside SQL: queries in conditions, bodies of routines, words that a parser must not see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.objects import kind_of
from orchestrator.lineage.sql.tokens import is_text, word


def queries_of(tokens: Sequence[Token]) -> list[list[Token]]:
    """The queries inside a condition, a loop head or an assignment.

    Example:
        ``IF (SELECT count(*) FROM t) > 0`` holds ``SELECT count(*) FROM t``.
    """
    found: list[list[Token]] = []
    position = 0
    while position < len(tokens):
        if word(tokens[position]) in ("SELECT", "WITH"):
            end = end_of_group(tokens, position)
            found.append(list(tokens[position:end]))
            position = end
        position += 1
    return found


def without_variables(tokens: Sequence[Token]) -> list[Token]:
    """A query of a routine without its ``INTO variable, …``."""
    depth = 0
    for start, token in enumerate(tokens):
        depth += depth_step(token)
        if depth == 0 and word(token) == "INTO" and start:
            if word(tokens[0]) not in ("SELECT", "WITH"):
                break
            if any(word(before) == "INSERT" for before in tokens[:start]):
                break
            end = start + 1
            while end < len(tokens) and word(tokens[end]) not in ("FROM", "WHERE", "USING"):
                end += 1
            return [*tokens[:start], *tokens[end:]]
    return list(tokens)


def makes_relation(tokens: Sequence[Token]) -> bool:
    """Whether a statement creates what queries can name: a table, a view, a model."""
    return word(tokens[0]) == "CREATE" and kind_of(tokens)[0] in ("TABLE", "VIEW", "MODEL")


def routine_texts(tokens: Sequence[Token]) -> list[Token]:
    """The bodies of a routine that are literals, where they are written in SQL."""
    words = [word(token) for token in tokens]
    if "LANGUAGE" in words:
        language = tokens[min(words.index("LANGUAGE") + 1, len(tokens) - 1)].text.lower()
        if language not in ("sql", "plpgsql", "edbspl"):
            return []
    bodies = []
    for position, token in enumerate(tokens[1:], 1):
        if is_text(token) and words[position - 1] in ("AS", "IS"):
            bodies.append(token)
    return bodies


def depth_step(token: Token) -> int:
    """How a token changes the depth of parentheses."""
    if token.token_type == TokenType.L_PAREN:
        return 1
    return -1 if token.token_type == TokenType.R_PAREN else 0


def end_of_group(tokens: Sequence[Token], start: int) -> int:
    """Index of the parenthesis that closes the group ``start`` stands in, or the end."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += depth_step(tokens[index])
        if depth < 0:
            return index
    return len(tokens)

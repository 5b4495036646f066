"""SQL inside SQL: queries in conditions, bodies of routines, words that a parser must not see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

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
            end = _end_of_group(tokens, position)
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
    """Whether a statement is a ``CREATE … TABLE`` or ``CREATE … VIEW``."""
    if word(tokens[0]) != "CREATE":
        return False
    for token in tokens[1:8]:
        name = word(token)
        if name in ("TABLE", "VIEW"):
            return True
        if name in ("(", "AS", "ON", "FUNCTION", "INDEX", "POLICY"):
            return False
    return False


def without_top(tokens: list[Token]) -> list[Token]:
    """``DELETE TOP (5) FROM t`` and ``UPDATE TOP (5) t`` without the part that limits rows."""
    if [word(token) for token in tokens[1:3]] != ["TOP", "("]:
        return tokens
    if word(tokens[0]) not in ("DELETE", "UPDATE", "INSERT"):
        return tokens
    end = next((i for i, token in enumerate(tokens) if word(token) == ")"), 0)
    end += [word(token) for token in tokens[end + 1 : end + 2]] == ["PERCENT"]
    return [tokens[0], *tokens[end + 1 :]]


def replace_as_insert(tokens: list[Token]) -> list[Token]:
    """``REPLACE INTO t …``, which does to tables what ``INSERT INTO t …`` does."""
    if len(tokens) < 2 or word(tokens[0]) != "REPLACE":
        return tokens
    first = tokens[0]
    insert = Token(TokenType.INSERT, "INSERT", first.line, first.col, first.start, first.end)
    into = [] if word(tokens[1]) == "INTO" else [_into(first)]
    return [insert, *into, *tokens[1:]]


def _into(near: Token) -> Token:
    return Token(TokenType.INTO, "INTO", near.line, near.col, near.start, near.end)


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


def _end_of_group(tokens: Sequence[Token], start: int) -> int:
    """Index of the parenthesis that closes the group ``start`` stands in, or the end."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += depth_step(tokens[index])
        if depth < 0:
            return index
    return len(tokens)

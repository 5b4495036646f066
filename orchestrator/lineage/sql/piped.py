"""Snowflake's ``a ->> b ->> c``: statements in a chain, where ``$1`` is what one before put out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.embedded import depth_step
from orchestrator.lineage.sql.tokens import word

_QUERIES = ("SELECT", "WITH", "VALUES", "(")
#: Stands for what a statement puts out that is no query: it reads no table.
_RESULT = (
    *((TokenType.TABLE, "TABLE"), (TokenType.L_PAREN, "("), (TokenType.VAR, "RESULT_SCAN")),
    *((TokenType.L_PAREN, "("), (TokenType.STRING, "x")),
    *((TokenType.R_PAREN, ")"), (TokenType.R_PAREN, ")")),
)
#: Tokens of a chain beyond which it is not followed.
_LONGEST = 20_000


def parted(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut a chain into its statements, each with the queries it refers to put in.

    Args:
        tokens: The chain, or a statement that is none.
    """
    links: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += depth_step(token)
        if token.token_type == TokenType.DARROW and depth == 0:
            links.append([])
        else:
            links[-1].append(token)
    found: list[list[Token]] = []
    for link in links:
        if link:
            found.append(_with_results(link, found))
    return found


def _with_results(link: list[Token], before: list[list[Token]]) -> list[Token]:
    result: list[Token] = []
    position = 0
    while position < len(link):
        token = link[position]
        number = _number(link, position) if word(token) == "$" else 0
        refers = result and word(result[-1]) in ("FROM", "JOIN", ",")
        if 0 < number <= len(before) and refers and len(result) < _LONGEST:
            result += _output(before[-number], token)
            position += 2
        else:
            result.append(token)
            position += 1
    return result


def _number(link: list[Token], position: int) -> int:
    text = link[position + 1].text if position + 1 < len(link) else ""
    return int(text) if text.isdecimal() and len(text) < 3 else 0


def _output(statement: list[Token], near: Token) -> list[Token]:
    place = (near.line, near.col, near.start, near.end)
    if word(statement[0]) not in _QUERIES:
        return [Token(kind, text, *place) for kind, text in _RESULT]
    opening, closing = Token(TokenType.L_PAREN, "(", *place), Token(TokenType.R_PAREN, ")", *place)
    return [opening, *statement, closing]

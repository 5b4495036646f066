"""Long lists of literals cut short before parsing: they can add neither a table nor a column."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

#: Lists shorter than this are left alone.
_LONG_LIST = 50
# Kinds of tokens are kept in tuples: an enum member is slow to hash and quick to compare.
_OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET)
_CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET)
_LITERALS = (
    *(TokenType.NUMBER, TokenType.STRING, TokenType.NULL, TokenType.TRUE, TokenType.FALSE),
    *(TokenType.RAW_STRING, TokenType.NATIONAL_STRING, TokenType.DASH),
)
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
_QUERIES = (TokenType.SELECT, TokenType.FROM, TokenType.WITH, TokenType.TABLE)


def thinned(tokens: Sequence[Token]) -> Sequence[Token]:
    """A long statement without most of its literals.

    Of ``VALUES (1, 'a'), (2, 'b'), …`` the first row stays, and every row that holds a query or a
    name which the rows before it do not hold; of ``IN (1, 2, …)`` and ``[1, 2, …]`` the first item.

    Args:
        tokens: The statement.

    Returns:
        Its tokens, or those that are left; the same tables and columns stand in them.
    """
    result: list[Token] = []
    position, end = 0, len(tokens)
    while position < end:
        token = tokens[position]
        kind = token.token_type
        if kind == TokenType.VALUES and _opens(tokens, position + 1):
            result.append(token)
            position = _rows(tokens, position + 1, result)
        elif kind in _OPENING:
            stop = _end_of_literals(tokens, position + 1)
            if stop - position > 2 * _LONG_LIST:
                first = 2 if tokens[position + 1].token_type != TokenType.DASH else 3
                result += tokens[position : position + first]
                position = stop
            else:
                result.append(token)
                position += 1
        else:
            result.append(token)
            position += 1
    return result if len(result) < end else tokens


def _opens(tokens: Sequence[Token], position: int) -> bool:
    return position < len(tokens) and tokens[position].token_type == TokenType.L_PAREN


def _end_of_literals(tokens: Sequence[Token], start: int) -> int:
    """Index of what closes a list of nothing but literals; ``start`` where there is more in it."""
    position, end = start, len(tokens)
    literal = False
    while position < end:
        kind = tokens[position].token_type
        if kind in _LITERALS:
            literal = True
        elif kind != TokenType.COMMA:
            break
        position += 1
    return position if literal and position < end and kind in _CLOSING else start


def _rows(tokens: Sequence[Token], position: int, result: list[Token]) -> int:
    """Copy the rows that count; return the index after the last row."""
    seen: set[str] = set()
    first = True
    while _opens(tokens, position):
        close, names, queries = _row(tokens, position)
        if first or queries or not names <= seen:
            if not first:
                result.append(tokens[position - 1])
            result += tokens[position:close]
            seen |= names
        first = False
        position = close
        if not _opens(tokens, position + 1) or tokens[position].token_type != TokenType.COMMA:
            break
        position += 1
    return position


def _row(tokens: Sequence[Token], start: int) -> tuple[int, set[str], bool]:
    """(index after a row, names of columns in it, whether it holds a query)."""
    depth, names, queries = 0, set(), False
    position, end = start, len(tokens)
    while position < end:
        token = tokens[position]
        kind = token.token_type
        position += 1
        if kind == TokenType.L_PAREN:
            depth += 1
        elif kind == TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                break
        elif kind in _NAMES:
            if not _opens(tokens, position):
                names.add(token.text)
        elif kind in _QUERIES:
            queries = True
    return position, names, queries

"""Joins without conditions: the parser's time doubles with each, so long rows of them are settled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

#: So many in a row still take no time worth speaking of.
_HARMLESS = 8
_CONDITIONS = (TokenType.ON, TokenType.USING)
_KINDS = (TokenType.CROSS, TokenType.NATURAL, TokenType.LATERAL)


def bounded(tokens: Sequence[Token]) -> Sequence[Token]:
    """Write ``a JOIN b JOIN c …`` as ``a CROSS JOIN b CROSS JOIN c …`` where the row is long.

    Both mean the same tables. The parser tries for every join without a condition whether the
    conditions come after the joins nested in it.

    Args:
        tokens: One statement.

    Returns:
        The same tokens, or new ones with ``CROSS`` before the joins of a long row.
    """
    joins = [i for i, token in enumerate(tokens) if token.token_type == TokenType.JOIN]
    if len(joins) <= _HARMLESS:
        return tokens
    ends = [*joins[1:], len(tokens)]
    bare = {
        start
        for start, end in zip(joins, ends, strict=True)
        if tokens[start - 1].token_type not in _KINDS
        and not any(token.token_type in _CONDITIONS for token in tokens[start:end])
    }
    if len(bare) <= _HARMLESS:
        return tokens
    result: list[Token] = []
    for index, token in enumerate(tokens):
        if index in bare:
            cross = Token(TokenType.CROSS, "CROSS", token.line, token.col, token.start, token.end)
            result.append(cross)
        result.append(token)
    return result

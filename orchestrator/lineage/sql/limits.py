"""Statements that would overrun the parser: nested too deep, too long, templates, rows of joins."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.thinning import thinned

#: Parentheses, CASE and nested types may go this deep; the parser recurses for each.
DEEPEST_NESTING = 120
#: The longest statement that is parsed, lists of literals not counted: 300 KB of text or more.
MOST_TOKENS = 60_000
#: From here on a statement's lists of literals are cut short.
_LONG = 2_000
#: So many joins without a condition take no time worth speaking of.
_HARMLESS_JOINS = 8
#: So many subscripts in a row, ``a[1][2]``, take no time worth speaking of.
_HARMLESS_SUBSCRIPTS = 60
#: Texts of tokens that open and close what the parser recurses for.
_OPENING = frozenset({"(", "[", "{", "CASE", "case", "Case"})
_CLOSING = frozenset({")", "]", "}", "END", "end", "End"})
_SHAPING = _OPENING | _CLOSING | {"<", ">", ","}
# Kinds of tokens are kept in tuples: an enum member is slow to hash and quick to compare.
_QUOTED = (TokenType.STRING, TokenType.IDENTIFIER, TokenType.RAW_STRING, TokenType.HEREDOC_STRING)
_NESTED_TYPES = frozenset(
    {"ARRAY", "STRUCT", "MAP", "LIST", "OBJECT", "NESTED", "NULLABLE", "TABLE", "TUPLE", "ROW"}
)
_CONDITIONS = (TokenType.ON, TokenType.USING)
_JOIN_KINDS = (TokenType.CROSS, TokenType.NATURAL, TokenType.LATERAL)


class OverLimitError(Exception):
    """A statement that is not given to the parser."""

    def __init__(self, message: str, token: Token) -> None:
        super().__init__(message)
        self.token = token


class Limits:
    """What has to be looked at in the statements of one text; mostly nothing.

    Args:
        sql: The text.
    """

    def __init__(self, sql: str) -> None:
        nests = sql.count("(") + sql.count("[") + sql.count("{") + sql.count("<")
        lowered = sql.lower()
        self._nested = nests + lowered.count("case") > DEEPEST_NESTING
        self._template = "{{" in sql or "{%" in sql
        self._joins = lowered.count("join") > _HARMLESS_JOINS

    def hold(self, tokens: Sequence[Token]) -> Sequence[Token]:
        """Check one statement, and make it easier to parse where its tables stay the same.

        Raises:
            OverLimitError: It must not be parsed.
        """
        if len(tokens) > _LONG:
            tokens = thinned(tokens)
        if len(tokens) > MOST_TOKENS:
            raise OverLimitError(f"it is longer than {MOST_TOKENS} words and signs", tokens[0])
        if self._template:
            _check_rendered(tokens)
        if self._nested:
            _check_nesting(tokens)
        return _cross_joins(tokens) if self._joins else tokens


def _check_rendered(tokens: Sequence[Token]) -> None:
    for token, following in itertools.pairwise(tokens):
        braces = token.token_type == following.token_type == TokenType.L_BRACE
        adjacent = token.end + 1 == following.start
        if token.token_type == TokenType.BLOCK_START or (braces and adjacent):
            raise OverLimitError("it holds a template that is not rendered", token)


def _check_nesting(tokens: Sequence[Token]) -> None:
    depth = types = subscripts = 0
    before = ""
    for token in tokens:
        text = token.text
        if text in _SHAPING and token.token_type not in _QUOTED:
            if text in _OPENING:
                depth += 1
                subscripts += text == "[" and before == "]"
            elif text in _CLOSING:
                depth -= 1
            elif text == "<":
                types += before.upper() in _NESTED_TYPES
            elif text == ">":
                types = max(0, types - 1)
            else:
                subscripts = 0
            if max(depth, types) > DEEPEST_NESTING or subscripts > _HARMLESS_SUBSCRIPTS:
                raise OverLimitError(f"it is nested more than {DEEPEST_NESTING} levels deep", token)
        before = text


def _cross_joins(tokens: Sequence[Token]) -> Sequence[Token]:
    """Long rows of ``a JOIN b JOIN c …`` as ``a CROSS JOIN b CROSS JOIN c …``.

    For every join without a condition the parser tries whether the conditions come after the
    joins nested in it, so that its time doubles with each. Both mean the same tables.
    """
    joins = [i for i, token in enumerate(tokens) if token.token_type == TokenType.JOIN]
    if len(joins) <= _HARMLESS_JOINS:
        return tokens
    ends = [*joins[1:], len(tokens)]
    bare = {
        start
        for start, end in zip(joins, ends, strict=True)
        if tokens[start - 1].token_type not in _JOIN_KINDS
        and not any(token.token_type in _CONDITIONS for token in tokens[start:end])
    }
    if len(bare) <= _HARMLESS_JOINS:
        return tokens
    result: list[Token] = []
    for index, token in enumerate(tokens):
        if index in bare:
            cross = Token(TokenType.CROSS, "CROSS", token.line, token.col, token.start, token.end)
            result.append(cross)
        result.append(token)
    return result

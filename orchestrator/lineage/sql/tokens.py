"""Tokens of SQL texts: as the dialect has them, and leniently where that fails."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Sequence
from functools import lru_cache

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

# Kinds of tokens are kept in tuples: an enum member is slow to hash and quick to compare.
_TEXTS = (
    TokenType.STRING,
    TokenType.RAW_STRING,
    TokenType.HEREDOC_STRING,
    TokenType.NATIONAL_STRING,
)
_ARITHMETIC = (
    TokenType.PLUS,
    TokenType.DASH,
    TokenType.STAR,
    TokenType.SLASH,
    TokenType.MOD,
    TokenType.AMP,
    TokenType.PIPE,
    TokenType.CARET,
)
_NO_WORDS = (*_TEXTS, TokenType.IDENTIFIER, TokenType.NUMBER)


#: What holds text (quotes, comments, ``$tag$ … $tag$``), and a parameter: ``$name``, ``$1``.
_DOLLARS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/"""
    r"""|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$|(?P<parameter>(?<![\w$])\$\w+(?![\w$]))""",
    re.DOTALL,
)


#: A tokenizer keeps the text it is at, so each thread has its own.
_of_this_thread = threading.local()


@lru_cache(maxsize=64)
def _tokenizer_class(dialect: str) -> type[Tokenizer]:
    """The dialect's tokenizer, made to read the rest of a command as tokens, not as one text."""
    own = Dialect.get_or_raise(dialect).tokenizer_class
    return type("_ScriptTokenizer", (own,), {"COMMANDS": set()})


def tokenize(sql: str, dialect: str) -> list[Token]:
    """Tokens of a text.

    Args:
        sql: The text.
        dialect: A dialect of sqlglot.

    Raises:
        sqlglot.errors.TokenError: A quote or comment is not closed.
    """
    tokenizers: dict[str, Tokenizer] = _of_this_thread.__dict__
    tokenizer = tokenizers.get(dialect)
    if tokenizer is None:
        tokenizer = tokenizers[dialect] = _tokenizer_class(dialect)(dialect=dialect)
    if sql.count("$") > 1 and "$" in getattr(tokenizer, "HEREDOC_STRINGS", ()):
        sql = _told_apart(sql)
    return tokenizer.tokenize(sql)


def _told_apart(sql: str) -> str:
    """The text with ``@name`` for ``$name``: sqlglot takes ``$a||$`` for the tag of a quoted text."""
    return _DOLLARS.sub(lambda found: f"@{found[0][1:]}" if found["parameter"] else found[0], sql)


@lru_cache(maxsize=64)
def _lenient_class(dialect: str) -> type[Tokenizer]:
    """As the script tokenizer, with every way of quoting a name that any dialect has."""
    own = _tokenizer_class(dialect)
    quotes = [*own.IDENTIFIERS, "`", ("[", "]")]
    return type("_LenientTokenizer", (own,), {"IDENTIFIERS": quotes})


def tokenize_leniently(sql: str, dialect: str) -> list[Token]:
    """Tokens of one statement that cannot be read as its dialect would have it.

    Names in foreign quotes count as names, and ``SET a += 1`` as ``SET a = a + 1``.

    Raises:
        sqlglot.errors.TokenError: A quote or comment is not closed.
    """
    tokens = _lenient_class(dialect)(dialect=dialect).tokenize(sql)
    result: list[Token] = []
    held: list[Token] = []
    for token, following in itertools.zip_longest(tokens, tokens[1:]):
        adds = following is not None and following.token_type == TokenType.EQ
        if adds and token.token_type in _ARITHMETIC and following.start == token.end + 1:
            held = [*_name_before(result), token]
            continue
        result.append(token)
        if held and token.token_type == TokenType.EQ:
            result += held
            held = []
    return result


def _name_before(tokens: Sequence[Token]) -> list[Token]:
    """The dotted name at the end of some tokens."""
    start = len(tokens) - 1
    while start > 1 and tokens[start - 1].token_type == TokenType.DOT:
        start -= 2
    return list(tokens[max(start, 0) :])


def without_comments(sql: str, tokens: Sequence[Token]) -> str:
    """The text of some tokens alone, every line in its place.

    A comment between the words of ``ORDER BY`` keeps the tokenizer from seeing one keyword.
    """
    parts: list[str] = []
    end = tokens[0].start
    for token in tokens:
        if token.start >= end:
            parts.append("\n" * sql.count("\n", end, token.start) or " " * (token.start > end))
            parts.append(sql[token.start : token.end + 1])
        end = token.end + 1
    return "".join(parts)


def words(text: str) -> frozenset[str]:
    """A set of keywords written as one text."""
    return frozenset(text.split())


def word(token: Token) -> str:
    """The token as a keyword in upper case, or an empty text where it is a quoted thing."""
    return "" if token.token_type in _NO_WORDS else token.text.upper()


def is_text(token: Token) -> bool:
    """Whether the token is a string of any spelling."""
    return token.token_type in _TEXTS

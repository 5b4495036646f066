"""What people are told of a statement that cannot be read: in plain words, at the right place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlglot.tokenizer_core import Token

#: So much of a text is shown.
_SHOWN = 30
_EXPECTED = re.compile(r"Expect(?:ing|ed) (.+?)(?: but got .*)?$", re.S)
#: What only somebody who knows the parser understands.
_INTERNAL = re.compile(r"<class|<Token|TokenType|Token\(|\x1b|AST|support CTE")


class UnreadableStatementError(Exception):
    """A statement that the parser does not understand.

    Args:
        message: What is wrong with it.
        line: Line in the text that was parsed, counted from 1.
        column: Column of that line, counted from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def unreadable(message: str, sql: str, token: Token) -> UnreadableStatementError:
    """The error for a statement that goes wrong at ``token``."""
    return UnreadableStatementError(message, *place_of(sql, token))


def place_of(sql: str, token: Token) -> tuple[int, int]:
    """(line, column) at which a token begins, both counted from 1."""
    line = token.line - sql.count("\n", token.start, token.end + 1)
    return line, token.start - sql.rfind("\n", 0, token.start)


def translated(
    detail: dict[str, Any], sql: str, tokens: Sequence[Token]
) -> UnreadableStatementError:
    """Put what the parser says of its failure into plain words.

    Args:
        detail: The parser's first error: ``description``, and ``line`` and ``col`` where the token
            ends that it stopped at.
        sql: The text that was parsed.
        tokens: The statement.
    """
    stopped = (detail.get("line"), detail.get("col"))
    at = next((t for t in reversed(tokens) if (t.line, t.col) == stopped), tokens[0])
    text = sql[at.start : at.end + 1] or at.text
    description = str(detail.get("description") or "")
    if at is tokens[-1] and not description.startswith("Invalid expression"):
        where = f"after {_quoted(text)}, where the statement ends"
    else:
        where = f"at {_quoted(text)}"
    return unreadable(_in_words(description, text, where), sql, at)


def _in_words(description: str, text: str, where: str) -> str:
    if description.startswith("Invalid expression"):
        return f"{_quoted(text)} is not expected here"
    if description.startswith("Required"):
        return f"something is missing {where}"
    expected = _EXPECTED.match(description)
    if expected and not _INTERNAL.search(expected[1]):
        what = expected[1]
        return f"{_quoted(what) if len(what) == 1 else what} is expected {where}"
    if not description or _INTERNAL.search(description):
        return f"it cannot be understood {where}"
    return f"{description.rstrip('.')} ({where})"


def _quoted(text: str) -> str:
    """A piece of a text in quotes, on one line and not too long."""
    words = " ".join(text.split())
    return f"'{words[:_SHOWN]}…'" if len(words) > _SHOWN else f"'{words}'"

"""Cuts a script into statements, and writes their placeholders as a driver wants them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from enum import StrEnum
from itertools import pairwise
from typing import Any

from orchestrator.errors import ParameterError
from tasks.dbapi.lexing import Kind, Piece, Spelling, pieces
from tasks.sql.session import Data, Statement

_TRANSACTIONS = frozenset({"BEGIN", "START", "COMMIT", "ROLLBACK", "ABORT", "END", "SAVEPOINT"})
_OF_TRANSACTIONS = frozenset(
    {"TRANSACTION", "WORK", "ISOLATION", "READ", "NOT", "DEFERRABLE", "NAME", ";", ",", ""}
)
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"})
_LOOPS = frozenset({"IF", "FOR", "LOOP", "WHILE", "REPEAT"})
_SCHEMA = re.compile(r"CREATE\s+SCHEMA\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)
#: After one of these, or a word that is none of them, ``?`` is an operator and not a value.
_OPERANDS = frozenset({")", "]"})
_BEFORE_VALUES = frozenset(
    {"SELECT", "WHERE", "AND", "OR", "NOT", "ON", "HAVING", "IN", "LIKE", "ILIKE", "BETWEEN", "BY"}
    | {"LIMIT", "OFFSET", "THEN", "ELSE", "WHEN", "CASE", "RETURNING", "SET", "FROM", "IS", "ANY"}
    | {"INTERVAL", "VALUES", "ALL", "DISTINCT", "FETCH", "TO", "SIMILAR", "USING", "CALL"}
)


class Style(StrEnum):
    """How a driver wants the places of values."""

    PYFORMAT = "pyformat"  #: ``%(name)s`` and ``%s``
    QMARK = "qmark"  #: ``?``


def split(script: str, spelling: Spelling) -> list[Statement]:
    """Cut a script into statements; each keeps the comments before it.

    Args:
        script: The text.
        spelling: How the database writes it.

    Example:
        >>> from tasks.dbapi.lexing import POSTGRES
        >>> for found in split("-- all\\nselect 1;\\ninsert into t values ($a)", POSTGRES):
        ...     found.line, found.kind, sorted(found.parameters)
        (1, 'SELECT', [])
        (3, 'INSERT', ['a'])
    """
    statements: list[Statement] = []
    line, position = 1, 0
    for part in _parts(script, spelling):
        line += script.count("\n", position, part[0].start)
        position = part[0].start
        statements.append(_statement(script, line, part, spelling))
    return statements


def bound(
    text: str, data: Data, spelling: Spelling, style: Style = Style.PYFORMAT
) -> tuple[str, Any]:
    """Write ``$name``, ``$1`` and ``?`` as a driver wants them, the values in its order.

    Args:
        text: One statement.
        data: Values by name, or by position. A name without one is left as it stands, for the
            database may know it.
        spelling: How the database writes it.
        style: The driver's.

    Raises:
        ParameterError: There are more or fewer values than places.

    Example:
        >>> from tasks.dbapi.lexing import POSTGRES
        >>> bound("select '50%' where a = $a", {"a": 1}, POSTGRES)
        ("select '50%%' where a = %(p_a)s", {'p_a': 1})
        >>> bound("select $2, $1", [1, 2], POSTGRES, Style.QMARK)
        ('select ?, ?', [2, 1])
    """
    if not data:
        return text, None
    parts: list[str] = []
    values: list[Any] = []
    named: dict[str, Any] = {}
    position = 0
    places = _places(list(pieces(text, spelling)))
    if not isinstance(data, Mapping):
        _counted({name for name, _ in places if name.isdigit()}, data)
    for name, piece in places:
        if name not in data if isinstance(data, Mapping) else not name.isdigit():
            continue  # the database's own: a variable of the session
        value = data[name] if isinstance(data, Mapping) else data[int(name) - 1]
        parts.append(_literal(text[position : piece.start], style))
        parts.append(f"%(p_{name})s" if style is Style.PYFORMAT else "?")
        named[f"p_{name}"] = value
        values.append(value)
        position = piece.end
    parts.append(_literal(text[position:], style))
    return "".join(parts), named if style is Style.PYFORMAT else values


def _counted(places: Set[str], data: Sequence[Any]) -> None:
    """Refuse a list of values of another length than there are places."""
    wanted = max(map(int, places), default=0)
    if wanted != len(data):
        raise ParameterError(
            f"the statement takes {wanted} values, and {len(data)} are given",
            fix="give one value for each ? (or $1, $2, …)",
        )


def _literal(text: str, style: Style) -> str:
    return text.replace("%", "%%") if style is Style.PYFORMAT else text


# -- statements --------------------------------------------------------------------------------


def _parts(script: str, spelling: Spelling) -> Iterator[list[Piece]]:
    part: list[Piece] = []
    blocks = _Blocks(spelling)
    code = list(pieces(script, spelling))
    for piece, following in pairwise([*code, None]):
        if piece is None:
            continue
        if piece.kind is Kind.COMMENT:
            part.append(piece)
        elif piece.text == ";" and not blocks.depth:
            yield from _worthy(part)
            part, blocks = [], _Blocks(spelling)
        else:
            blocks.see(piece, _next_word(code, piece, following))
            part.append(piece)
    yield from _worthy(part)


def _next_word(code: Sequence[Piece], piece: Piece, following: Piece | None) -> str:
    if following is None or following.kind is not Kind.COMMENT:
        return "" if following is None else following.word or "x"
    later = (p for p in code if p.start > piece.start and p.kind is not Kind.COMMENT)
    found = next(later, None)
    return "" if found is None else found.word or "x"


def _worthy(part: list[Piece]) -> Iterator[list[Piece]]:
    """A part that is more than comments."""
    if any(piece.kind is not Kind.COMMENT for piece in part):
        yield part


class _Blocks:
    """Counts the blocks of one statement that are open: semicolons in them do not end it."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._first = ""
        self.depth = 0
        self._declaring = self._ending = False

    def see(self, piece: Piece, following: str) -> None:
        word = piece.word if piece.kind is Kind.WORD else ""
        ending, self._ending = self._ending, False
        if self.depth and word == "END":
            self._ending = following == "CASE"
            self.depth -= following not in _LOOPS
        elif self._declaring and word == "BEGIN":
            self._declaring = False
        elif self.depth and word in ("BEGIN", "CASE"):
            self.depth += not ending  # END CASE is no new one
        elif self._opens(word, following):
            self.depth, self._declaring = 1, word == "DECLARE"
        self._first = self._first or word or "x"

    def _opens(self, word: str, following: str) -> bool:
        if word == "BEGIN" and following == "ATOMIC":
            return True
        if not self._spelling.blocks or self._first not in ("", "CREATE"):
            return False
        return word == "DECLARE" or (word == "BEGIN" and following not in _OF_TRANSACTIONS)


def _statement(script: str, line: int, part: list[Piece], spelling: Spelling) -> Statement:
    start, end = part[0].start, part[-1].end
    text = script[start:end]
    code = [piece for piece in part if piece.kind is not Kind.COMMENT]
    kind = _kind(code)
    block = len(code) > 1 and code[1].word not in _OF_TRANSACTIONS and spelling.blocks
    parameters = frozenset(name for name, _ in _places(code))
    harmless = bool(_SCHEMA.match(script, code[0].start))
    transactional = kind in _TRANSACTIONS and not (kind == "BEGIN" and block)
    return Statement(text, line, kind, parameters, transactional, harmless)


def _kind(code: Sequence[Piece]) -> str:
    """The first word; where that begins a CTE or a parenthesis, the first verb after it."""
    first = code[0].word
    if first not in ("WITH", "("):
        return first
    depth = 0
    for piece in code:
        depth += (piece.text == "(") - (piece.text == ")")
        if piece.word in _VERBS and (depth == 0 or first == "("):
            return piece.word
    return first


# -- places of values --------------------------------------------------------------------------


def _places(pieces: Sequence[Piece]) -> list[tuple[str, Piece]]:
    """The places of values, each with its name or number; beside ``?`` a ``$1`` is none."""
    code = [piece for piece in pieces if piece.kind is not Kind.COMMENT]
    marks = [
        piece
        for before, piece in pairwise([None, *code])
        if piece is not None and piece.text == "?" and not _ends_operand(before)
    ]
    numbered = [(str(number), mark) for number, mark in enumerate(marks, 1)]
    named = [(piece.text[1:], piece) for piece in code if piece.kind is Kind.VALUE]
    kept = [(name, piece) for name, piece in named if not (marks and name.isdigit())]
    return sorted([*numbered, *kept], key=lambda place: place[1].start)


def _ends_operand(piece: Piece | None) -> bool:
    """Whether an operator may follow: JSON's ``?`` stands between two operands."""
    if piece is None:
        return False
    if piece.kind is Kind.WORD:
        return piece.word not in _BEFORE_VALUES
    return piece.kind is not Kind.SIGN or piece.text in _OPERANDS

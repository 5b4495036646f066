"""Reading a SQL text into the effects of its statements; the one place that runs the parser."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql import embedded, opaque, statement
from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import Request, StatementEffect, StatementKind
from orchestrator.lineage.sql.limits import Limits, OverLimitError
from orchestrator.lineage.sql.names import Session, other_dialects, parser_dialect
from orchestrator.lineage.sql.salvage import mend, salvage
from orchestrator.lineage.sql.script import Fragment, split
from orchestrator.lineage.sql.tables import STRANGE
from orchestrator.lineage.sql.tokens import (
    is_text,
    tokenize,
    tokenize_leniently,
    without_comments,
)

#: SQL inside SQL is followed this far.
_DEEPEST_TEXT = 6
#: Statements longer than this are not tried in other ways when they cannot be parsed.
_LONG = 5_000
_EXCERPT = 80


class UnreadableStatementError(Exception):
    """A statement that the parser does not understand."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@lru_cache(maxsize=64)
def _dialect(name: str) -> Dialect:
    return Dialect.get_or_raise(name)


#: Called with each parsed statement, its index, and the session as it is before the statement.
Observer = Callable[[exp.Expr, int, Session], None]


def read(request: Request, observer: Observer | None = None) -> tuple[StatementEffect, ...]:
    """Read a text into the effects of its statements.

    Args:
        request: The text, its dialect and defaults.
        observer: Called for each statement that could be parsed.

    Returns:
        The effects, in the order of the text. A statement that could not be read has ``error``.
    """
    session = Session(request.dialect, request.catalog, request.schema)
    session.know(name for name, _ in request.known)
    reader = _Reader(session, observer)
    before = getattr(_quieted, "on", False)
    _quieted.on = True
    try:
        reader.script(request.sql, 0, 0)
    finally:
        _quieted.on = before
    return tuple(reader.effects)


class _Reader:
    """Goes through a script and whatever scripts it holds."""

    def __init__(self, session: Session, observer: Observer | None) -> None:
        self.session = session
        self.observer = observer
        self.dialect = parser_dialect(session.dialect)
        self.parser = _dialect(self.dialect).parser()
        self.limits = Limits("")
        self.effects: list[StatementEffect] = []

    def script(self, sql: str, offset: int, depth: int) -> None:
        """Read a text whose first line is line ``offset + 1`` of the whole."""
        sql = mend(sql, self.dialect)
        try:
            tokens = tokenize(sql, self.dialect)
        except TokenError:
            self._pieces(sql, offset, depth)
            return
        self._fragments(sql, tokens, offset, depth)

    def _fragments(self, sql: str, tokens: Sequence[Token], offset: int, depth: int) -> None:
        outer, self.limits = self.limits, Limits(sql)
        for fragment in split(sql, tokens, self.dialect):
            self._fragment(sql, fragment, offset, depth)
        self.limits = outer

    def _pieces(self, sql: str, offset: int, depth: int) -> None:
        for piece in salvage(sql, self.dialect):
            if piece.tokens is None:
                line = offset + piece.line
                effect = EffectBuilder(self.session, line, 0, piece.text.strip()[:_EXCERPT])
                effect.kind = StatementKind.UNKNOWN
                effect.problem("a quote or a comment is not closed", line)
                self.effects.append(effect.build())
                continue
            self._fragments(piece.text, piece.tokens, offset + piece.line - 1, depth)

    def _fragment(self, sql: str, fragment: Fragment, offset: int, depth: int) -> None:
        tokens = fragment.tokens
        first, last = tokens[0], tokens[-1]
        excerpt = sql[first.start : min(last.end + 1, first.start + _EXCERPT)]
        effect = EffectBuilder(self.session, first.line + offset, offset, excerpt)
        effect.deferred = fragment.body
        inside: opaque.Inside | None = None
        try:
            inside = self._statement(sql, fragment, effect)
        except UnreadableStatementError as problem:
            effect = EffectBuilder(self.session, first.line + offset, offset, excerpt)
            effect.kind = StatementKind.UNKNOWN
            effect.problem(str(problem), problem.line, problem.column)
        except STRANGE as problem:
            effect = EffectBuilder(self.session, first.line + offset, offset, excerpt)
            effect.kind = StatementKind.UNKNOWN
            effect.problem(f"its form is not known ({type(problem).__name__})", first.line)
        self.effects.append(effect.build())
        if inside is not None:
            self._follow(sql, inside, effect, offset, depth)

    def _statement(
        self, sql: str, fragment: Fragment, effect: EffectBuilder
    ) -> opaque.Inside | None:
        """Add the fragment's own effect; return what is to be read as statements of their own."""
        tokens = fragment.tokens
        if fragment.routine:
            effect.kind = StatementKind.ROUTINE
            self._queries(sql, embedded.queries_of(tokens), effect)
            return opaque.Inside(scripts=embedded.routine_texts(tokens))
        if fragment.control:
            effect.kind = StatementKind.CONTROL
            self._queries(sql, embedded.queries_of(tokens), effect)
            return None
        inside = opaque.look_inside(tokens, effect)
        if inside is not None:
            self._queries(sql, inside.queries, effect)
            return inside
        tokens = embedded.without_top(embedded.replace_as_insert(tokens))
        variables = fragment.block and self.dialect not in ("tsql", "fabric")
        tree = self.parse(sql, embedded.without_variables(tokens) if variables else tokens)
        if isinstance(tree, exp.Command):
            opaque.alter_by_name(tokens, effect)
            if embedded.makes_relation(tokens):
                self._queries(sql, opaque.create_by_name(tokens, effect), effect)
        if self.observer is not None:
            self.observer(tree, len(self.effects), self.session)
        statement.apply(tree, effect)
        return None

    def _queries(self, sql: str, queries: Sequence[list[Token]], effect: EffectBuilder) -> None:
        for tokens in queries:
            if len(tokens) == 1 and is_text(tokens[0]):
                text = tokens[0].text
                effect.read_all(self.parse(text, tokenize(text, self.dialect)))
            elif tokens:
                effect.read_all(self.parse(sql, tokens))

    def _follow(
        self, sql: str, inside: opaque.Inside, effect: EffectBuilder, offset: int, depth: int
    ) -> None:
        if depth >= _DEEPEST_TEXT:
            return
        for tokens in inside.statements:
            self._fragment(sql, Fragment(tokens), offset, depth + 1)
        for text in inside.scripts:
            before = offset + text.line - 1 - text.text.count("\n")
            self.script(text.text, before, depth + 1)

    def parse(self, sql: str, tokens: Sequence[Token]) -> exp.Expr:
        """Parse one statement, leniently where its dialect does not understand it.

        Raises:
            UnreadableStatementError: The parser does not understand it.
        """
        try:
            tree = _parsed(self.parser, sql, self.limits.hold(tokens))
            if isinstance(tree, exp.Command) and embedded.makes_relation(tokens):
                # The parser gives up on forms of CREATE that it does not know, and says nothing.
                return self._leniently(sql, tokens) or tree
            return tree
        except OverLimitError as problem:
            raise UnreadableStatementError(str(problem), problem.line, problem.column) from problem
        except UnreadableStatementError as problem:
            understood = self._leniently(sql, tokens) if len(tokens) <= _LONG else None
            if understood is None:
                raise problem
            return understood

    def _leniently(self, sql: str, tokens: Sequence[Token]) -> exp.Expr | None:
        padded = "\n" * (tokens[0].line - 1) + without_comments(sql, tokens)
        for dialect in other_dialects(self.session.dialect):
            with contextlib.suppress(UnreadableStatementError, TokenError):
                parser = _dialect(dialect).parser()
                tree = _parsed(parser, padded, tokenize_leniently(padded, dialect))
                if not isinstance(tree, exp.Command):
                    return tree
        return None


def _parsed(parser: Parser, sql: str, tokens: Sequence[Token]) -> exp.Expr:
    """One statement as one tree.

    Raises:
        UnreadableStatementError: The parser does not understand it.
    """
    first = tokens[0]
    try:
        trees = parser.parse(list(tokens), sql)
    except ParseError as error:
        detail = error.errors[0] if error.errors else {}
        raise UnreadableStatementError(
            str(detail.get("description") or "it cannot be parsed"),
            int(detail.get("line") or first.line),
            int(detail.get("col") or first.col),
        ) from error
    except Exception as error:  # a fault of the parser must not lose the rest of the script
        raise UnreadableStatementError(
            f"the parser fails on it ({type(error).__name__})", first.line, first.col
        ) from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None or not statement.is_statement(tree):
        raise UnreadableStatementError("this is not a SQL statement", first.line, first.col)
    return tree


_quieted = threading.local()


class _DropWhileQuiet(logging.Filter):
    """Drops the parser's remarks on statements it does not know; they are dealt with here."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_quieted, "on", False)


logging.getLogger("sqlglot").addFilter(_DropWhileQuiet())

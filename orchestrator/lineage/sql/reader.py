"""Reading a SQL text into the effects of its statements; the one place that runs the parser."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql import embedded, moving, opaque, piped, reshaping, statement
from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import Request, StatementEffect, StatementKind
from orchestrator.lineage.sql.limits import Limits, OverLimitError
from orchestrator.lineage.sql.messages import (
    UnreadableStatementError,
    place_of,
    translated,
    unreadable,
)
from orchestrator.lineage.sql.names import Session, other_dialects, parser_dialect
from orchestrator.lineage.sql.objects import ABOUT_OBJECTS, unknown_kind
from orchestrator.lineage.sql.plainer import arguments_as_queries, plainer
from orchestrator.lineage.sql.salvage import mend, salvage
from orchestrator.lineage.sql.script import STATEMENTS, Fragment, split
from orchestrator.lineage.sql.spoken import Inside
from orchestrator.lineage.sql.tables import STRANGE
from orchestrator.lineage.sql.tokens import (
    is_text,
    tokenize,
    tokenize_leniently,
    without_comments,
    word,
)
from orchestrator.nearest import near_to

#: SQL inside SQL is followed this far.
_DEEPEST_TEXT = 6
#: Statements longer than this are not tried in other ways when they cannot be parsed.
_LONG = 5_000
_EXCERPT = 80
#: Dialects in which DELETE cannot do without FROM.
_DELETE_FROM = frozenset(
    {"duckdb", "postgres", "redshift", "snowflake", "trino", "presto", "athena", "sqlite", "spark"}
)
#: Dialects with ``SELECT … INTO OUTFILE``.
_OUTFILES = frozenset({"mysql", "doris", "starrocks", "singlestore"})
_VERBS = sorted(STATEMENTS | {"EXPLAIN", "GRANT", "ANALYZE", "REFRESH", "UNLOAD", "EXPORT"})


@lru_cache(maxsize=64)
def _dialect(name: str) -> Dialect:
    return Dialect.get_or_raise(name)


class Observer(Protocol):
    """Looks at statements while they are read; each call gets the index of the statement."""

    def statement(self, tree: exp.Expr, index: int, effect: EffectBuilder) -> None:
        """A parsed statement, with the session as it is before, and an effect that is yet empty."""

    def filled_by(self, query: exp.Expr, index: int, effect: EffectBuilder) -> None:
        """A query whose rows go into what a statement writes that was read by its tokens."""

    def finished(self, index: int, effect: EffectBuilder, built: StatementEffect) -> None:
        """The effect of a statement is complete."""


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
        self.deferred = False

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
            if self.dialect == "snowflake" and "->>" in sql:
                for link in piped.parted(fragment.tokens):
                    self._fragment(sql, replace(fragment, tokens=link), offset, depth)
            else:
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
        line, column = place_of(sql, first)

        def fresh() -> EffectBuilder:
            return EffectBuilder(self.session, line + offset, offset, excerpt, column)

        effect = fresh()
        effect.deferred = fragment.body or self.deferred
        inside: Inside | None = None
        try:
            inside = self._statement(sql, fragment, effect)
        except UnreadableStatementError as problem:
            effect = fresh()
            effect.kind = StatementKind.UNKNOWN
            effect.problem(str(problem), problem.line, problem.column)
        except (RecursionError, *STRANGE) as problem:
            effect = fresh()
            effect.kind = StatementKind.UNKNOWN
            effect.problem(f"its form is not known ({type(problem).__name__})")
        built = effect.build()
        self.effects.append(built)
        if self.observer is not None:
            self.observer.finished(len(self.effects) - 1, effect, built)
        if inside is not None:
            self._follow(sql, inside, effect, offset, depth)

    def _statement(self, sql: str, fragment: Fragment, effect: EffectBuilder) -> Inside | None:
        """Add the fragment's own effect; return what is to be read as statements of their own."""
        tokens = fragment.tokens
        if fragment.routine:
            effect.kind = StatementKind.ROUTINE
            self._queries(sql, embedded.queries_of(tokens), effect)
            return Inside(scripts=embedded.routine_texts(tokens), deferred=True)
        if fragment.control:
            effect.kind = StatementKind.CONTROL
            self._queries(sql, embedded.queries_of(tokens), effect)
            return None
        inside = opaque.look_inside(tokens, effect)
        if inside is None and self.dialect in _OUTFILES:
            inside = moving.outfile(tokens, effect)
        if inside is not None:
            self._queries(sql, inside.queries, effect, fill=effect.kind == StatementKind.COPY)
            return inside
        self._check_from(sql, tokens)
        if self.dialect == "oracle":
            moving.logged_errors(tokens, effect)
        tokens = plainer(tokens, self.dialect)
        variables = fragment.block and self.dialect not in ("tsql", "fabric")
        tree = self.parse(sql, embedded.without_variables(tokens) if variables else tokens)
        if isinstance(tree, exp.Command):
            if reshaping.truncate_by_name(tokens, effect):
                return None
            self._check_known(sql, tokens)
            reshaping.alter_by_name(tokens, effect)
            reshaping.drop_by_name(tokens, effect)
            if embedded.makes_relation(tokens):
                queries = reshaping.create_by_name(tokens, effect)
                self._queries(sql, queries, effect, fill=True)
                return None
        if self.observer is not None:
            self.observer.statement(tree, len(self.effects), effect)
        statement.apply(tree, effect)
        return None

    def _check_from(self, sql: str, tokens: Sequence[Token]) -> None:
        """``DELETE x t``: with a mistyped FROM, the parser takes ``x`` for the table."""
        if word(tokens[0]) != "DELETE" or self.session.dialect not in _DELETE_FROM:
            return
        if len(tokens) > 1 and word(tokens[1]) != "FROM":
            raise unreadable("FROM is expected after DELETE", sql, tokens[1])

    def _check_known(self, sql: str, tokens: Sequence[Token]) -> None:
        """The parser takes CREATE, DROP and the like of anything for a command and says nothing."""
        problem = unknown_kind(tokens)
        if problem is not None:
            raise unreadable(problem[0], sql, problem[1])
        if word(tokens[0]) not in ABOUT_OBJECTS:
            raise unreadable("this is not a statement that is known", sql, tokens[0])

    def _queries(
        self,
        sql: str,
        queries: Sequence[list[Token]],
        effect: EffectBuilder,
        *,
        fill: bool = False,
    ) -> None:
        for tokens in queries:
            text = sql
            if len(tokens) == 1 and is_text(tokens[0]):
                text, place = tokens[0].text, tokens[0]
                try:
                    tokens = tokenize(text, self.dialect)
                except TokenError:
                    raise unreadable(
                        "a quote or comment in a text is not closed", sql, place
                    ) from None
            if not tokens:
                continue
            tree = self.parse(text, tokens)
            if fill and self.observer is not None:
                self.observer.filled_by(tree, len(self.effects), effect)
            effect.read_all(tree)

    def _follow(
        self, sql: str, inside: Inside, effect: EffectBuilder, offset: int, depth: int
    ) -> None:
        if depth >= _DEEPEST_TEXT:
            return
        outer, self.deferred = self.deferred, self.deferred or effect.deferred or inside.deferred
        for tokens in inside.statements:
            self._fragment(sql, Fragment(tokens), offset, depth + 1)
        for text in inside.scripts:
            before = offset + text.line - 1 - text.text.count("\n")
            self.script(text.text, before, depth + 1)
        self.deferred = outer

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
            raise unreadable(str(problem), sql, problem.token) from problem
        except UnreadableStatementError as problem:
            understood = self._otherwise(sql, tokens) if len(tokens) <= _LONG else None
            if understood is None:
                raise _at_first_word(sql, tokens) or problem from problem
            return understood

    def _otherwise(self, sql: str, tokens: Sequence[Token]) -> exp.Expr | None:
        if self.dialect == "bigquery":
            changed = arguments_as_queries(list(tokens))
            if len(changed) > len(tokens):
                with contextlib.suppress(UnreadableStatementError):
                    return _parsed(self.parser, sql, changed)
        return self._leniently(sql, tokens)

    def _leniently(self, sql: str, tokens: Sequence[Token]) -> exp.Expr | None:
        padded = "\n" * (tokens[0].line - 1) + without_comments(sql, tokens)
        for dialect in other_dialects(self.session.dialect):
            with contextlib.suppress(UnreadableStatementError, TokenError):
                parser = _dialect(dialect).parser()
                tree = _parsed(parser, padded, tokenize_leniently(padded, dialect))
                if not isinstance(tree, exp.Command):
                    return tree
        return None


def _at_first_word(sql: str, tokens: Sequence[Token]) -> UnreadableStatementError | None:
    """A better word on a statement that fails because its first word is mistyped."""
    first = tokens[0]
    verb = word(first)
    near = near_to(verb, _VERBS, 0.75)
    if not near or verb == near or opaque.is_known(verb):
        return None
    message = f"no statement begins with '{first.text[:30]}'; did you mean {near}?"
    return unreadable(message, sql, first)


def _parsed(parser: Parser, sql: str, tokens: Sequence[Token]) -> exp.Expr:
    """One statement as one tree.

    Raises:
        UnreadableStatementError: The parser does not understand it.
    """
    try:
        trees = parser.parse(list(tokens), sql)
    except ParseError as error:
        raise translated(error.errors[0] if error.errors else {}, sql, tokens) from error
    except Exception as error:  # a fault of the parser must not lose the rest of the script
        failure = f"the parser fails on it ({type(error).__name__})"
        raise unreadable(failure, sql, tokens[0]) from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None or not statement.is_statement(tree):
        raise unreadable("this is not a SQL statement", sql, tokens[0])
    return tree


_quieted = threading.local()


class _DropWhileQuiet(logging.Filter):
    """Drops the parser's remarks on statements it does not know; they are dealt with here."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_quieted, "on", False)


logging.getLogger("sqlglot").addFilter(_DropWhileQuiet())

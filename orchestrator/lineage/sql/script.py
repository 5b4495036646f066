"""Cutting a script into statements, by tokens, blocks and procedure bodies included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql import unpunctuated
from orchestrator.lineage.sql.tokens import is_text, word

#: Dialects whose scripts may hold conditions and loops outside any block.
SCRIPTING = frozenset({"tsql", "fabric", "bigquery"})
#: First words of what steers a block; of these only the queries inside count.
_CONTROL = frozenset(
    {"IF", "ELSEIF", "ELSIF", "WHILE", "FOR", "FOREACH", "LOOP", "REPEAT", "UNTIL", "RETURN", "LET"}
    | {"SET", "DECLARE", "RAISE", "OPEN", "FETCH", "CLOSE", "EXIT", "BREAK", "CONTINUE", "LEAVE"}
    | {"ITERATE", "NULL", "PRINT", "THROW", "RAISERROR", "GOTO", "WAITFOR", "SIGNAL", "RESIGNAL"}
    | {"PERFORM", "GET", "AWAIT", "CANCEL", "EXCEPTION", "WHEN", "CASE", "DEALLOCATE", "ASSERT"}
)
_ENDINGS = frozenset({"IF", "LOOP", "WHILE", "FOR", "REPEAT"})
_TRANSACTION = frozenset(
    {"TRANSACTION", "TRAN", "WORK", "READ", "ISOLATION", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"}
    | {"NAME", "DISTRIBUTED", "CONCURRENT"}
)
_ROUTINES = frozenset(
    {"PROCEDURE", "PROC", "FUNCTION", "MACRO", "TRIGGER", "TASK", "PIPE", "ALERT", "EVENT"}
    | {"PACKAGE"}
)
_EXPRESSION_BODIES = frozenset({"FUNCTION", "MACRO"})
_ROUTINE_MODIFIERS = frozenset(
    {"OR", "REPLACE", "ALTER", "TEMP", "TEMPORARY", "SECURE", "AGGREGATE", "IF", "NOT", "EXISTS"}
    | {"EDITIONABLE", "NONEDITIONABLE", "EXTERNAL", "CONSTRAINT", "BODY", "SCALAR"}
)
#: First words of statements.
STATEMENTS = frozenset(
    {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "COPY"}
    | {
        "TRUNCATE",
        "EXECUTE",
        "EXEC",
        "CALL",
        "REPLACE",
        "USE",
        "BEGIN",
        "DECLARE",
        "RETURN",
        "FROM",
    }
)
#: Without one of these words a script has neither blocks nor routines.
_STRUCTURE = (
    *("begin", "declare", "proc", "function", "macro", "trigger", "task", "pipe", "alert", "event"),
    "package",
)
#: Words and signs that can part one statement from another.
_SHAPING = unpunctuated.BEGINNINGS | {
    *("CASE", "END", "BEGIN", "ELSE", "THEN", "DO", "LOOP", "REPEAT", "EXCEPTION", "GO"),
    *("(", ")"),
}
_LOOP_END = re.compile(r"\bend\s+(for|while|loop|if|repeat|case)\b")


@dataclass(frozen=True, slots=True)
class Fragment:
    """One statement of a script, or one piece of what steers a block.

    Args:
        tokens: Its tokens, without the semicolon.
        control: It steers a block: only the queries inside it count.
        block: It stands in a block or a routine, where ``SELECT … INTO`` may fill a variable.
        body: It stands in the body of a routine and runs when that is called.
        routine: It is the head of a routine, with a body that is a text, if it has one.
    """

    tokens: list[Token]
    control: bool = False
    block: bool = False
    routine: bool = False
    body: bool = False


def split(sql: str, tokens: Sequence[Token], dialect: str) -> list[Fragment]:
    """Cut the tokens of a script into statements.

    Args:
        sql: The text the tokens come from.
        tokens: Its tokens.
        dialect: A dialect of sqlglot.

    Returns:
        The statements in order, those of blocks and routine bodies one by one.
    """
    if dialect not in ("tsql", "fabric") and not _has_structure(sql, dialect):
        return _by_semicolon(tokens) if ";" in sql else [Fragment(list(tokens))] if tokens else []
    return _Splitter(tokens, dialect).run()


def _has_structure(sql: str, dialect: str) -> bool:
    lowered = sql.lower()
    if any(name in lowered for name in _STRUCTURE):
        return True
    return dialect in SCRIPTING and "end" in lowered and bool(_LOOP_END.search(lowered))


def _by_semicolon(tokens: Sequence[Token]) -> list[Fragment]:
    ends = [i for i, token in enumerate(tokens) if token.token_type == TokenType.SEMICOLON]
    starts = [0, *(end + 1 for end in ends)]
    pieces = (list(tokens[a:b]) for a, b in zip(starts, [*ends, len(tokens)], strict=True))
    return [Fragment(piece) for piece in pieces if piece]


class _Splitter:
    """Walks the tokens once and keeps count of blocks, CASE and parentheses."""

    def __init__(self, tokens: Sequence[Token], dialect: str) -> None:
        self.tokens = tokens
        self.words = [word(token) for token in tokens]
        self.dialect = dialect
        self.unpunctuated = dialect in ("tsql", "fabric")
        self.fragments: list[Fragment] = []
        self.current: list[Token] = []
        self.heads: list[str] = []
        self.open: list[str] = []
        self.parentheses = 0
        self.declaring = False
        self.routine = ""
        self.body = False
        self.expression = False
        self.position = 0

    def run(self) -> list[Fragment]:
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            if token.token_type == TokenType.SEMICOLON:
                self._semicolon()
            elif self._is_plain(self.words[self.position]):
                self._take(token)
            elif not self._inside_parentheses(token) and self._structural(
                self.words[self.position]
            ):
                pass
            else:
                self._take(token)
            self.position += 1
        self._flush()
        return self.fragments

    def _is_plain(self, name: str) -> bool:
        """Whether a word cannot give the script its shape; most words are such."""
        if name in _SHAPING or self.routine or not self.heads:
            return False
        return self.heads[0] != "GO"

    # -- small steps -------------------------------------------------------------------------

    def _take(self, token: Token) -> None:
        if not self.current:
            self._begin_statement()
        self.current.append(token)
        self.heads.append(self.words[self.position])

    def _begin_statement(self) -> None:
        name = self.words[self.position]
        if name in ("CREATE", "ALTER"):
            self.routine = self._routine_kind()
        elif name == "DECLARE" and not self._next().startswith("@"):
            self.declaring = "BEGIN" in self.words[self.position :]

    def _next(self, distance: int = 1) -> str:
        index = self.position + distance
        return self.words[index] if index < len(self.words) else ""

    def _flush(self, routine: bool = False) -> None:
        if self.current:
            head = self.heads[0]
            steers = self._in_block() and (
                head in _CONTROL or (len(self.heads) > 1 and self.heads[1] == ":=")
            )
            declares = self.declaring and head not in STATEMENTS
            self.fragments.append(
                Fragment(
                    self.current,
                    control=steers or declares or self.expression or head == "DECLARE",
                    block=bool(self.open) or self.body,
                    routine=routine or bool(self.routine),
                    body=self.body,
                )
            )
        self.current, self.heads = [], []
        self.routine, self.expression = "", False

    def _in_block(self) -> bool:
        return bool(self.open) or self.body or self.dialect in SCRIPTING

    def _top(self) -> str:
        return self.open[-1] if self.open else ""

    def _semicolon(self) -> None:
        while self._top() == "CASE":
            self.open.pop()
        self.parentheses = 0
        if self.routine in ("PROCEDURE", "FUNCTION", "PACKAGE", "TRIGGER") and self._has_body():
            self.declaring, self.body = True, True
        self._flush()
        if self.body and not self.open and not self.unpunctuated and not self.declaring:
            self.body = False

    def _has_body(self) -> bool:
        """Whether a body is yet to come, and does not stand there as a text."""
        begins = [i + 1 for i, head in enumerate(self.heads) if head in ("AS", "IS")]
        as_text = any(i < len(self.current) and is_text(self.current[i]) for i in begins)
        return bool(begins) and not as_text

    def _inside_parentheses(self, token: Token) -> bool:
        if token.token_type == TokenType.L_PAREN:
            self.parentheses += 1
            return True
        if token.token_type == TokenType.R_PAREN:
            self.parentheses = max(0, self.parentheses - 1)
            return True
        return self.parentheses > 0

    # -- words that open, close and part -----------------------------------------------------

    def _structural(self, name: str) -> bool:
        """Act on a word that gives the script its shape; tell whether it is thereby used up."""
        if name == "CASE":
            return self._case()
        if name == "END":
            return self._end()
        if name == "BEGIN":
            return self._begin()
        if self.routine and self._routine_body(name):
            return True
        if self._in_block() and self._top() != "CASE" and self._parting(name):
            return True
        if self.unpunctuated and self._next_statement(name):
            self._flush()
        return False

    def _next_statement(self, name: str) -> bool:
        if name == "GO" and self._alone_on_its_line():
            self.open, self.body = [], False
            return True
        if self.current and self.heads[0] == "GO":
            return True
        return not self.routine and unpunctuated.begins(self.heads, name, self._next())

    def _alone_on_its_line(self) -> bool:
        line = self.tokens[self.position].line
        before = self.position == 0 or self.tokens[self.position - 1].line < line
        after = self.position + 1
        return before and (after == len(self.tokens) or self.tokens[after].line > line)

    def _case(self) -> bool:
        statement = not self.current and self._in_block()
        self.open.append("BEGIN" if statement else "CASE")
        return False

    def _end(self) -> bool:
        if self._top() == "CASE":
            self.open.pop()
            return False
        following = self._next()
        if not self.open:
            return self._end_of_loop(following) or bool(self.body)
        self._flush()
        if following in _ENDINGS:
            self.position += 1
            return True
        self.open.pop()
        if following in ("CASE", "TRY", "CATCH") or self._names_the_block():
            self.position += 1
        if not self.open and not self.unpunctuated:
            self.body = False
        return True

    def _end_of_loop(self, following: str) -> bool:
        """``END FOR`` and the like of a loop outside any block."""
        if self.dialect not in SCRIPTING or self.unpunctuated or following not in _ENDINGS:
            return False
        self._flush()
        self.position += 1
        return True

    def _names_the_block(self) -> bool:
        after = self.position + 2
        ends = after >= len(self.tokens) or self.tokens[after].token_type == TokenType.SEMICOLON
        here = self.position + 1
        return (
            here < len(self.tokens) and ends and self.tokens[here].token_type != TokenType.SEMICOLON
        )

    def _begin(self) -> bool:
        following = self._next()
        if following in _TRANSACTION or following in ("", ";"):
            return False
        steers = bool(self.heads) and self.heads[0] in _CONTROL
        if self.current and not (self.routine or steers or self.unpunctuated):
            return False
        self.body = self.body or bool(self.routine)
        self._flush(routine=bool(self.routine))
        self.open.append("BEGIN")
        self.declaring = False
        while self._next() in ("ATOMIC", "TRY", "CATCH", "NOT"):
            self.position += 1
        return True

    def _parting(self, name: str) -> bool:
        """THEN, ELSE, DO and LOOP end the head of a condition or loop."""
        head = self.heads[0] if self.heads else ""
        if name == "ELSE":
            self._flush()
            return True
        if name == "THEN" and head in ("IF", "ELSEIF", "ELSIF", "WHEN", "EXCEPTION", "CASE"):
            self._flush()
            return True
        if name in ("DO", "LOOP") and head in ("FOR", "FOREACH", "WHILE"):
            self._flush()
            return True
        if name in ("LOOP", "REPEAT") and not self.current:
            return True
        return name == "EXCEPTION" and bool(self.open) and not self.current

    # -- routines ----------------------------------------------------------------------------

    def _routine_kind(self) -> str:
        """PROCEDURE, TASK, … where the statement that begins here makes one, or nothing."""
        for distance in range(1, 16):
            name = self._next(distance)
            if name == "EVENT" and self._next(distance + 1) == "TABLE":
                return ""
            if name in _ROUTINES:
                return name
            if name == "TABLE" and self._next(distance + 1) == "FUNCTION":
                return "FUNCTION"
            if name == "DEFINER":
                return next((w for w in self.words[self.position :][:16] if w in _ROUTINES), "")
            if name not in _ROUTINE_MODIFIERS:
                return ""
        return ""

    def _routine_body(self, name: str) -> bool:
        """Part the head of a routine from its body; tell whether the word is used up."""
        if not self.current:
            return False
        kind, following = self.routine, self._next()
        if name in ("AS", "IS"):
            after = self.position + 1
            if after < len(self.tokens) and is_text(self.tokens[after]):
                return False
            if following in STATEMENTS or following in ("(", "TABLE", "{") or self._any_body(name):
                self._open_body(kind)
                return True
            return False
        if name == "THEN" and kind == "ALERT":
            self._open_body(kind)
            return True
        if name == "RETURN" and kind == "FUNCTION":
            self._open_body(kind)
            return False
        if name in ("INSERT", "UPDATE", "DELETE", "SELECT", "WITH", "CALL"):
            if self.heads[-1] in (")", "ROW", "DO", "SQL", "DATA", "DETERMINISTIC"):
                self._open_body(kind)
        return False

    def _any_body(self, name: str) -> bool:
        """T-SQL procedures: whatever follows AS is the body, unless it types a parameter."""
        if not self.unpunctuated or name != "AS" or self.routine not in ("PROCEDURE", "PROC"):
            return False
        types_parameter = len(self.heads) > 1 and self.heads[-2].startswith("@")
        return not types_parameter and self.heads[-1] not in ("EXECUTE", "EXEC")

    def _open_body(self, kind: str) -> None:
        self._flush(routine=True)
        self.body = True
        self.expression = kind in _EXPRESSION_BODIES
        self.routine = ""

"""Where a statement begins in T-SQL, which does without semicolons."""

from __future__ import annotations

from collections.abc import Sequence

#: Words that begin a statement wherever they stand outside parentheses.
_ALWAYS = frozenset(
    {"TRUNCATE", "DECLARE", "PRINT", "WHILE", "USE", "THROW", "RAISERROR", "BEGIN", "COMMIT"}
    | {"ROLLBACK", "WAITFOR", "RETURN"}
)
_SET_OPERATORS = frozenset({"UNION", "ALL", "EXCEPT", "INTERSECT", "AS", "FOR", "THEN"})
_OBJECTS = frozenset(
    {"TABLE", "VIEW", "PROCEDURE", "PROC", "FUNCTION", "INDEX", "SCHEMA", "DATABASE", "TRIGGER"}
    | {"OR", "UNIQUE", "CLUSTERED", "NONCLUSTERED", "TYPE", "SYNONYM", "STATISTICS", "EXTERNAL"}
)
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
_QUERY_VERBS = frozenset({"SELECT", "VALUES", "EXEC", "EXECUTE", "DEFAULT"})
#: Every word that can begin a statement.
BEGINNINGS = _ALWAYS | _VERBS | {"CREATE", "DROP", "ALTER", "EXEC", "EXECUTE", "SET", "IF"}


def begins(before: Sequence[str], word: str, following: str) -> bool:
    """Tell whether ``word`` begins a new statement after the words of an unfinished one.

    Args:
        before: Upper-case words of the statement so far; quoted things are empty texts.
        word: The word in question, outside parentheses.
        following: The word after it.

    Example:
        >>> begins(["INSERT", "INTO", "T"], "SELECT", "A")
        False
        >>> begins(["SELECT", "A", "FROM", "T"], "SELECT", "B")
        True
    """
    if not before:
        return False
    if word in _VERBS and before[0] == "WITH":
        before = _after_expressions(before)
        if not before:
            return False
    head, last = before[0], before[-1]
    if head == "ALTER" and before[1:2] == ["VIEW"]:
        head = "CREATE"
    if word in _ALWAYS:
        return head not in ("CREATE", "ALTER", "GRANT") and last not in ("FOR", "AS", ".")
    if word == "SELECT":
        return _select_begins(before, head, last)
    if word == "INSERT":
        return last not in ("THEN", "BULK") and head not in ("GRANT", "CREATE")
    if word in ("UPDATE", "DELETE", "MERGE"):
        blocked = last in ("THEN", "FOR", "ON", "AFTER", ",", "OF", "INNER", "LEFT")
        return not blocked and head not in ("GRANT", "CREATE")
    if word in ("CREATE", "DROP", "ALTER"):
        return following in _OBJECTS and head != "GRANT" and last != "OR"
    if word in ("EXEC", "EXECUTE"):
        return head not in ("INSERT", "GRANT", "CREATE") or "VALUES" in before or "SELECT" in before
    if word == "SET":
        return head not in ("UPDATE", "MERGE", "ALTER", "WITH", "CREATE") and last != "UPDATE"
    if word == "IF":
        return following != "EXISTS" or head not in ("DROP", "CREATE", "ALTER")
    return False


def _select_begins(before: Sequence[str], head: str, last: str) -> bool:
    if last in _SET_OPERATORS:
        return False
    if head == "INSERT":
        return any(verb in _outside(before) for verb in _QUERY_VERBS)
    if head in ("GRANT", "CREATE"):
        return head == "CREATE" and "SELECT" in _outside(before)
    return True


def _outside(words: Sequence[str]) -> set[str]:
    """The words that do not stand in parentheses."""
    depth, found = 0, set()
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth == 0:
            found.add(word)
    return found


def _after_expressions(words: Sequence[str]) -> list[str]:
    """A WITH statement from its own verb on; empty where that has not come yet."""
    depth, own = 0, -1
    for index, word in enumerate(words):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth == 0 and word in _VERBS:
            own = index
            break
    return list(words[own:]) if own >= 0 else []

"""Statements in words that the parser knows: forms of one dialect put plainly, token by token."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.embedded import end_of_group
from orchestrator.lineage.sql.objects import kind_of
from orchestrator.lineage.sql.tokens import word

_Change = Callable[[list[Token]], list[Token]]


def plainer(tokens: list[Token], dialect: str) -> list[Token]:
    """A statement in plainer words, which touches the same tables and columns.

    Args:
        tokens: The statement.
        dialect: A dialect of sqlglot.
    """
    for change in _BY_VERB.get(word(tokens[0]), ()):
        tokens = change(tokens)
    for change in _BY_DIALECT.get(dialect, ()):
        tokens = change(tokens)
    return tokens


def _without_top(tokens: list[Token]) -> list[Token]:
    """``DELETE TOP (5) FROM t`` and ``UPDATE TOP (5) t`` without the part that limits rows."""
    if [word(token) for token in tokens[1:3]] != ["TOP", "("]:
        return tokens
    if word(tokens[0]) not in ("DELETE", "UPDATE", "INSERT"):
        return tokens
    end = next((i for i, token in enumerate(tokens) if word(token) == ")"), 0)
    end += [word(token) for token in tokens[end + 1 : end + 2]] == ["PERCENT"]
    return [tokens[0], *tokens[end + 1 :]]


def _replace_as_insert(tokens: list[Token]) -> list[Token]:
    """``REPLACE INTO t …``, which does to tables what ``INSERT INTO t …`` does."""
    if len(tokens) < 2 or word(tokens[0]) != "REPLACE":
        return tokens
    first = tokens[0]
    insert = Token(TokenType.INSERT, "INSERT", first.line, first.col, first.start, first.end)
    into = [] if word(tokens[1]) == "INTO" else [_into(first)]
    return [insert, *into, *tokens[1:]]


def _into(near: Token) -> Token:
    return Token(TokenType.INTO, "INTO", near.line, near.col, near.start, near.end)


def _without_phrases(tokens: list[Token]) -> list[Token]:
    """Teradata's ``x (TITLE 'X')`` and ``x (FORMAT '99')`` without what only dresses the column."""
    kept: list[Token] = []
    position = 0
    while position < len(tokens):
        if word(tokens[position]) == "(" and kept:
            if [word(t) for t in tokens[position + 1 : position + 2]] in (["TITLE"], ["FORMAT"]):
                end = end_of_group(tokens, position + 1)
                position = end + 1
                continue
        kept.append(tokens[position])
        position += 1
    return kept


def _bulk_as_files(tokens: list[Token]) -> list[Token]:
    """T-SQL's ``OPENROWSET(BULK 'path', …)`` as a call of a function that reads files."""
    said = [word(token) for token in tokens]
    if "BULK" not in said:
        return tokens
    kept: list[Token] = []
    for index, token in enumerate(tokens):
        if said[index] == "BULK" and said[max(0, index - 2) : index] == ["OPENROWSET", "("]:
            call = kept[-2]
            place = (call.line, call.col, call.start, call.end)
            kept[-2] = Token(TokenType.VAR, "READ_FILES", *place)
        else:
            kept.append(token)
    return kept


def _without_check(tokens: list[Token]) -> list[Token]:
    """A view without ``WITH CHECK OPTION``, ``WITH READ ONLY`` or ``WITH NO DATA`` at its end."""
    if kind_of(tokens)[0] != "VIEW":
        return tokens
    for length in (4, 3, 2):
        if tuple(word(token) for token in tokens[-length:]) in _VIEW_ENDINGS:
            return tokens[:-length]
    return tokens


def _without_format(tokens: list[Token]) -> list[Token]:
    """ClickHouse's ``INSERT INTO t FORMAT CSV`` without the format and the data that follow."""
    said = [word(token) for token in tokens]
    if "FORMAT" not in said or any(verb in said for verb in ("SELECT", "VALUES", "WITH")):
        return tokens
    at = said.index("FORMAT")
    kinds = ((TokenType.DEFAULT, "DEFAULT"), (TokenType.VALUES, "VALUES"))
    near = tokens[at]
    return [
        *tokens[:at],
        *(Token(k, t, near.line, near.col, near.start, near.end) for k, t in kinds),
    ]


def _plain_directory(tokens: list[Token]) -> list[Token]:
    """``INSERT OVERWRITE DIRECTORY 'x' USING parquet OPTIONS (…) SELECT`` without the format."""
    said = [word(token) for token in tokens[:12]]
    if "DIRECTORY" not in said or "USING" not in said:
        return tokens
    start = said.index("USING")
    end = start + 2
    if word(tokens[min(end, len(tokens) - 1)]) == "OPTIONS":
        end = end_of_group(tokens, end + 2) + 1
    return [*tokens[:start], *tokens[end:]]


def _one_from(tokens: list[Token]) -> list[Token]:
    """T-SQL's ``DELETE FROM u FROM t u JOIN …`` as ``DELETE u FROM t u JOIN …``."""
    said = [word(token) for token in tokens]
    if said[:2] != ["DELETE", "FROM"]:
        return tokens
    depth = 0
    for name in said[2:]:
        depth += (name == "(") - (name == ")")
        if depth == 0 and name == "FROM":
            return [tokens[0], *tokens[2:]]
        if name in ("WHERE", "OUTPUT"):
            break
    return tokens


def _without_files(tokens: list[Token]) -> list[Token]:
    """Snowflake's ``COPY FILES INTO @a FROM @b`` as a copy like others."""
    files = [word(token) for token in tokens[1:3]] == ["FILES", "INTO"]
    return [tokens[0], *tokens[2:]] if files else tokens


def arguments_as_queries(tokens: list[Token]) -> list[Token]:
    """``f(MODEL a.b, TABLE c.d)`` as ``f((SELECT * FROM a.b), (SELECT * FROM c.d))``."""
    result: list[Token] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        opens = bool(result) and word(result[-1]) in ("(", ",")
        if not (opens and word(token) in ("MODEL", "TABLE")) or position + 1 == len(tokens):
            result.append(token)
            position += 1
            continue
        end = position + 2
        while end + 1 < len(tokens) and tokens[end].token_type == TokenType.DOT:
            end += 2
        place = (token.line, token.col, token.start, token.end)
        result += [Token(kind, text, *place) for kind, text in _ALL_OF]
        result += [*tokens[position + 1 : end], Token(TokenType.R_PAREN, ")", *place)]
        position = end
    return result


def _local_in(tokens: list[Token]) -> list[Token]:
    """ClickHouse's ``x GLOBAL IN (…)`` as ``x IN (…)``."""
    said = [word(token) for token in tokens]
    if "GLOBAL" not in said:
        return tokens
    following = [*said[1:], ""]
    return [t for t, w, n in zip(tokens, said, following, strict=True) if not _is_global(w, n)]


def _is_global(name: str, following: str) -> bool:
    return name == "GLOBAL" and following in ("IN", "NOT")


def _without_error_log(tokens: list[Token]) -> list[Token]:
    """Oracle's ``… LOG ERRORS INTO t REJECT LIMIT n`` without that."""
    said = [word(token) for token in tokens]
    for at in range(len(said) - 1):
        if said[at] == "LOG" and said[at + 1] == "ERRORS":
            return tokens[:at]
    return tokens


def _without_variables(tokens: list[Token]) -> list[Token]:
    """MySQL's ``SELECT x INTO @v, @w`` without the variables."""
    said = [word(token) for token in tokens]
    if "INTO" not in said or said[said.index("INTO") + 1 : said.index("INTO") + 2] != ["@"]:
        return tokens
    start = said.index("INTO")
    end = start + 1
    while end + 1 < len(tokens) and said[end] == "@":
        end += 3 if said[end + 2 : end + 3] == [","] else 2
    return [*tokens[:start], *tokens[end:]]


def _plain_duplicates(tokens: list[Token]) -> list[Token]:
    """Redshift's ``MERGE … REMOVE DUPLICATES`` with a WHEN that the parser knows."""
    if [word(token) for token in tokens[-2:]] != ["REMOVE", "DUPLICATES"]:
        return tokens
    last = tokens[-1]
    place = (last.line, last.col, last.start, last.end)
    return [*tokens[:-2], *(Token(kind, text, *place) for kind, text in _WHEN_MATCHED)]


def _without_delete(tokens: list[Token]) -> list[Token]:
    """Oracle's ``MERGE … UPDATE SET … DELETE WHERE …`` without the rows it deletes."""
    said = [word(token) for token in tokens]
    for at, name in enumerate(said):
        if name == "DELETE" and said[at - 1] != "THEN" and said[at + 1 : at + 2] == ["WHERE"]:
            end = next((i for i in range(at, len(said)) if said[i] == "WHEN"), len(said))
            return [*tokens[:at], *_without_delete(tokens[end:])]
    return tokens


_VIEW_ENDINGS = frozenset(
    {("WITH", "CHECK", "OPTION"), ("WITH", "READ", "ONLY"), ("WITH", "NO", "DATA")}
    | {("WITH", how, "CHECK", "OPTION") for how in ("LOCAL", "CASCADED")}
    | {("WITH", "DATA")}
)
_ALL_OF = (
    (TokenType.L_PAREN, "("),
    (TokenType.SELECT, "SELECT"),
    (TokenType.STAR, "*"),
    (TokenType.FROM, "FROM"),
)
_WHEN_MATCHED = (
    (TokenType.WHEN, "WHEN"),
    (TokenType.VAR, "MATCHED"),
    (TokenType.THEN, "THEN"),
    (TokenType.DELETE, "DELETE"),
)
_BY_VERB: dict[str, tuple[_Change, ...]] = {
    "DELETE": (_without_top,),
    "UPDATE": (_without_top,),
    "INSERT": (_without_top, _plain_directory),
    "REPLACE": (_replace_as_insert,),
    "CREATE": (_without_check,),
    "COPY": (_without_files,),
}
_BY_DIALECT: dict[str, tuple[_Change, ...]] = {
    "clickhouse": (_without_format, _local_in),
    "fabric": (_bulk_as_files, _one_from),
    "mysql": (_without_variables,),
    "oracle": (_without_delete, _without_error_log),
    "redshift": (_plain_duplicates,),
    "teradata": (_without_phrases,),
    "tsql": (_bulk_as_files, _one_from),
}

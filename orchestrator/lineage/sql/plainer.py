"""Statements in words that the parser knows: forms of one dialect put plainly, token by token."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot.tokenizer_core import Token, TokenType

from orchestrator.lineage.sql.embedded import end_of_group
from orchestrator.lineage.sql.objects import kind_of
from orchestrator.lineage.sql.tokens import is_text, tokenize, word

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


def _plain_location(tokens: list[Token]) -> list[Token]:
    """Snowflake's ``CREATE EXTERNAL TABLE t WITH LOCATION = @s`` without WITH, which may be left out."""
    if all(word(token) != "EXTERNAL" for token in tokens[1:4]):
        return tokens
    said = [word(token) for token in tokens]
    if "LOCATION" not in said:
        return tokens
    at = said.index("LOCATION") - 1
    return [*tokens[:at], *tokens[at + 1 :]] if said[at] == "WITH" else tokens


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


def _dictionary(tokens: list[Token]) -> list[Token]:
    """ClickHouse's ``FROM dictionary('d')`` as ``FROM d``."""
    said = [word(token) for token in tokens]
    if "DICTIONARY" not in said or said[0] == "CREATE":
        return tokens
    at = said.index("DICTIONARY")
    if said[at - 1] not in ("FROM", "JOIN", ",") or said[at + 1 : at + 4 : 2] != ["(", ")"]:
        return tokens
    return [*tokens[:at], *_near(tokens[at + 2], *_named(tokens[at + 2])), *tokens[at + 4 :]]


def _named(text: Token) -> list[tuple[TokenType, str]]:
    """A name that stands in a text, in tokens."""
    parts: list[tuple[TokenType, str]] = []
    for part in text.text.split("."):
        parts += [(TokenType.DOT, "."), (TokenType.IDENTIFIER, part)]
    return parts[1:]


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


def _merge_by(tokens: list[Token]) -> list[Token]:
    """DuckDB's ``UPDATE | INSERT BY NAME`` as ``ALL BY NAME``, ``*`` and ``BY POSITION`` as neither.

    ``ERROR 'text'`` becomes ``DO NOTHING``: no row is written.
    """
    if word(tokens[0]) not in ("MERGE", "WITH"):
        return tokens
    if not any(token.token_type == TokenType.MERGE for token in tokens):
        return tokens
    said = [word(token) for token in tokens]
    kept: list[Token] = []
    position = 0
    while position < len(tokens):
        near = tokens[position]
        kept.append(near)
        position += 1
        if said[position - 2 : position] == ["THEN", "ERROR"]:
            kept[-1:] = _near(near, (TokenType.VAR, "DO"), (TokenType.VAR, "NOTHING"))
            position = _next_when(said, position)
        elif said[position - 2 : position] in (["THEN", "UPDATE"], ["THEN", "INSERT"]):
            by_name = said[position : position + 2] == ["BY", "NAME"]
            position += 2 if by_name or said[position : position + 2] == ["BY", "POSITION"] else 0
            if said[position : position + 2] == ["SET", "*"]:
                position += 2
            elif said[position : position + 1] == ["*"]:
                position += 1
            kept += _near(near, *_ALL_BY_NAME) if by_name else []
    return kept


def _next_when(said: list[str], start: int) -> int:
    ends = (i for i in range(start, len(said)) if said[i] in ("WHEN", "RETURNING"))
    return next(ends, len(said))


def _near(near: Token, *made: tuple[TokenType, str]) -> list[Token]:
    return [Token(kind, text, near.line, near.col, near.start, near.end) for kind, text in made]


def _without_evolution(tokens: list[Token]) -> list[Token]:
    """``MERGE WITH SCHEMA EVOLUTION INTO t`` and the like of INSERT without these words."""
    evolves = [word(token) for token in tokens[1:4]] == ["WITH", "SCHEMA", "EVOLUTION"]
    return [tokens[0], *tokens[4:]] if evolves else tokens


def _without_position(tokens: list[Token]) -> list[Token]:
    """DuckDB's ``INSERT INTO t BY POSITION``, which is what INSERT does anyway."""
    said = [word(token) for token in tokens[:10]] if word(tokens[0]) == "INSERT" else []
    at = next((i for i in range(len(said)) if said[i : i + 2] == ["BY", "POSITION"]), 0)
    return [*tokens[:at], *tokens[at + 2 :]] if at else tokens


def _without_replaced(tokens: list[Token]) -> list[Token]:
    """Databricks' ``INSERT INTO t REPLACE ON condition query`` without the condition."""
    said = [word(token) for token in tokens]
    at = next((i for i in range(len(said)) if said[i : i + 2] == ["REPLACE", "ON"]), 0)
    if not at:
        return tokens
    depth = 0
    for index in range(at + 2, len(tokens)):
        following = said[index + 1 : index + 2]
        if said[index] == "(" and depth == 0 and following[:1] in (["SELECT"], ["WITH"], ["FROM"]):
            end = end_of_group(tokens, index + 1)
            return [*tokens[:at], *tokens[index : end + 1]]
        if depth == 0 and said[index] in ("SELECT", "WITH", "VALUES", "TABLE", "FROM"):
            return [*tokens[:at], *tokens[index:]]
        depth += (said[index] == "(") - (said[index] == ")")
    return tokens


def _alter_view(tokens: list[Token]) -> list[Token]:
    """``ALTER VIEW v AS query``, which does what CREATE OR REPLACE VIEW does."""
    said = [word(token) for token in tokens]
    at = said.index("AS") if "AS" in said else -1
    if "VIEW" not in said[1:5] or said[at + 1 : at + 2] not in (["SELECT"], ["WITH"], ["("]):
        return tokens
    return [*_near(tokens[0], (TokenType.CREATE, "CREATE")), *tokens[1:]]


def _open_target(tokens: list[Token]) -> list[Token]:
    """T-SQL's ``INSERT OPENQUERY(server, 'SELECT a, b FROM t')`` as ``INSERT INTO server..t (a, b)``."""
    said = [word(token) for token in tokens[:8]]
    at = said.index("OPENQUERY") if "OPENQUERY" in said else 0
    verb = said[0]
    if verb not in ("INSERT", "UPDATE", "DELETE") or at not in (1, 2) or len(tokens) < at + 6:
        return tokens
    server, text = tokens[at + 2], tokens[at + 4]
    if not is_text(text) or said[at + 1] != "(" or word(tokens[at + 5]) != ")":
        return tokens
    inner = tokenize(text.text, "tsql")
    words = [word(token) for token in inner]
    if words[:1] != ["SELECT"] or "FROM" not in words:
        return tokens
    source = words.index("FROM")
    end = source + 2
    while end + 1 < len(inner) and inner[end].token_type == TokenType.DOT:
        end += 2
    dots = 2 if end - source == 2 else 1
    named = [(TokenType.VAR, server.text), *[(TokenType.DOT, ".")] * dots]
    named += [(token.token_type, token.text) for token in inner[source + 1 : end]]
    listed = [(token.token_type, token.text) for token in inner[1:source]]
    if verb == "INSERT" and all(text == "," or kind == TokenType.VAR for kind, text in listed):
        named += [(TokenType.L_PAREN, "("), *listed, (TokenType.R_PAREN, ")")]
    return [*tokens[:at], *_near(server, *named), *tokens[at + 6 :]]


_ALL_BY_NAME = ((TokenType.ALL, "ALL"), (TokenType.VAR, "BY"), (TokenType.VAR, "NAME"))
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
    "ALTER": (_alter_view,),
    "DELETE": (_without_top,),
    "UPDATE": (_without_top,),
    "INSERT": (_without_top, _plain_directory, _without_evolution, _without_replaced),
    "MERGE": (_without_evolution,),
    "REPLACE": (_replace_as_insert,),
    "CREATE": (_without_check, _plain_location),
    "COPY": (_without_files,),
}
_BY_DIALECT: dict[str, tuple[_Change, ...]] = {
    "clickhouse": (_without_format, _local_in, _dictionary),
    "duckdb": (_merge_by, _without_position),
    "fabric": (_bulk_as_files, _one_from, _open_target),
    "mysql": (_without_variables,),
    "oracle": (_without_delete, _without_error_log),
    "redshift": (_plain_duplicates,),
    "teradata": (_without_phrases,),
    "tsql": (_bulk_as_files, _one_from, _open_target),
}

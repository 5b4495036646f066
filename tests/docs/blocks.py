"""What a fenced block of a page has to be, by its language: checks that raise what is wrong with it."""

from __future__ import annotations

import ast
import configparser
import csv
import io
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator

import click
import jsonschema
import yaml

from orchestrator import schemas
from orchestrator.lineage import analyze_sql
from tasks.sql.front_matter import read_front_matter
from tests import command_lines
from tests.docs import pages
from tests.docs.pages import Block

#: Programs of the shell lines that are not ours; they are not run: they come from elsewhere,
#: change the machine, or need a network.
ELSEWHERE = {
    "cat", "cd", "cp", "curl", "dbt", "docker", "echo", "export", "git", "ls", "mkdir", "mv", "pip",
    "python", "python3", "rm", "sed", "source", "systemctl", "sudo", "aws", "copier", "pytest",
    ".", "set", "chmod", "journalctl", "psql", "duckdb", "kubectl", "gh", "code", "touch", "printf",
}  # fmt: skip
_ASSIGNED = re.compile(r"\w+=")
_TARGETS = re.compile(r"^([a-z-]+):", re.MULTILINE)


class WrongError(Exception):
    """Raised when a block is not what it should be."""


def check(block: Block) -> None:
    """Check a block.

    Raises:
        WrongError: It is not what its language says, or names what there is not.
    """
    if block.language not in CHECKS:
        raise WrongError(f"name the language of the block; known are {', '.join(sorted(CHECKS))}")
    CHECKS[block.language](block)


def lines(block: Block) -> Iterator[str]:
    """The lines of a block for a shell, or those after ``$`` in what a terminal shows."""
    text = block.text.replace("\\\n", " ")
    if block.language in ("text", "console"):
        text = "\n".join(re.findall(r"^\$ (.*)$", text, re.MULTILINE))
    yield from _logical(text)


def commands(block: Block) -> Iterator[list[str]]:
    """The simple commands of a block of shell lines, or after ``$`` in what a terminal shows."""
    for line in lines(block):
        words = shlex.split(line, comments=True, posix=True)
        simple: list[str] = []
        for word in [*words, "&&"]:
            if word in ("&&", "||", "|", ";", "&"):
                yield from [_without_surroundings(simple)] if simple else []
                simple = []
            else:
                simple.append(word)


def _logical(text: str) -> Iterator[str]:
    """Lines, with those joined to the one before over which a quote goes; without here-documents."""
    text = re.sub(r"<<-?\s*'?(\w+)'?(.*?)\n.*?^\1$", r"\2", text, flags=re.DOTALL | re.MULTILINE)
    line = ""
    for part in text.splitlines():
        line = f"{line}\n{part}" if line else part
        try:
            shlex.split(line, comments=True)
        except ValueError:
            continue
        yield line
        line = ""
    if line:
        raise WrongError(f"a quote is not closed: {line}")


def _without_surroundings(words: list[str]) -> list[str]:
    """A command without the variables before it and the files it is redirected to."""
    while words and _ASSIGNED.match(words[0]):
        words = words[1:]
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or re.fullmatch(r"\d?(>|>>|<)", word):
            skip = not skip
        elif not re.match(r"\d?>&?\S", word):
            kept.append(word)
    return kept


def _shell(block: Block) -> None:
    for words in commands(block):
        if not words:
            continue
        program = words[0]
        if program == "orchestrator":
            _read(words)
        elif program == "make":
            _made(words[1:])
        elif program not in ELSEWHERE and not program.startswith(("./", ".venv/")):
            raise WrongError(
                f"what is {program!r}? If it comes from elsewhere, say so in ELSEWHERE"
            )


def _read(words: list[str]) -> None:
    try:
        command_lines.read(words)
    except click.UsageError as error:
        raise WrongError(f"{' '.join(words)}: {error.format_message()}") from error


def _made(targets: list[str]) -> None:
    known = set(_TARGETS.findall((pages.ROOT / "Makefile").read_text()))
    for target in targets:
        if "=" not in target and target not in known:
            raise WrongError(f"make has no target {target}")


def _toml(block: Block) -> None:
    table = tomllib.loads(block.text)
    if "tool" in table or "project" in table:
        return  # pyproject.toml
    name = "policy" if "policy" in block.file else "settings"
    plain = json.loads(json.dumps(table, default=str))
    for error in jsonschema.Draft7Validator(schemas.schema(name)).iter_errors(plain):
        raise WrongError(f"{name}: {error.message}")


def _yaml(block: Block) -> None:
    list(yaml.safe_load_all(block.text))


def _sql(block: Block) -> None:
    read_front_matter(block.text, block.file or "the block")
    if "{{" in block.text or "{%" in block.text:
        return  # dbt's and our Jinja: rendered when the page's own test runs it
    for error in analyze_sql(block.text, dialect="duckdb").errors:
        raise WrongError(f"line {error.line}: {error.message}")


def _python(block: Block) -> None:
    text = re.sub(r"^%.*$", "", block.text, flags=re.MULTILINE)
    # What a page quotes from inside a function, or only the head of one.
    body = "    ..." if text.rstrip().endswith(":") else ""
    ast.parse(f"if 1:\n{text}" if text.startswith("    ") else text + body)


def _csv(block: Block) -> None:
    if len({len(row) for row in csv.reader(io.StringIO(block.text))}) != 1:
        raise WrongError("rows of different lengths")


def _ini(block: Block) -> None:
    configparser.ConfigParser(strict=False, interpolation=None).read_string(block.text)


def _json(block: Block) -> None:
    json.loads(block.text)


def _listed(block: Block) -> None:
    """Commands of ours, each with a word about it after a gap."""
    for line in block.text.splitlines():
        words = shlex.split(line.partition("  ")[0])
        if words[:1] != ["orchestrator"]:
            raise WrongError("name the language of the block")
        _read(words)


def _shown(block: Block) -> None:
    """What a terminal shows: the commands after ``$`` are ours to keep right."""
    _shell(block)


CHECKS: dict[str, Callable[[Block], None]] = {
    "": _listed,
    "shell": _shell,
    "sh": _shell,
    "bash": _shell,
    "console": _shown,
    "text": _shown,
    "toml": _toml,
    "yaml": _yaml,
    "json": _json,
    "sql": _sql,
    "python": _python,
    "pycon": lambda block: None,  # from docstrings: their examples run where they stand
    "csv": _csv,
    "ini": _ini,
    "markdown": lambda block: None,
    "dockerfile": lambda block: None,
    "diff": lambda block: None,
}

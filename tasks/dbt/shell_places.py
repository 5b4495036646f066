"""Places of a dbt command: the PATH its dbt is on, its target folder, files only their owner reads."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError

#: The options that say where things are.
_PLACES = ("--project-dir", "--profiles-dir", "--target-path", "--log-path")


def path_to(dbt: str | os.PathLike[str] | None, scratch: Path, path: str) -> str:
    """Return a PATH on which ``dbt`` is the one to use, and all other programs stay what they are."""
    program = _program(dbt)
    if program is None:
        return path
    folder = scratch / "bin"
    folder.mkdir()
    (folder / "dbt").symlink_to(program)
    return f"{folder}{os.pathsep}{path}"


def _program(dbt: str | os.PathLike[str] | None) -> Path | None:
    if dbt is None:
        beside = Path(sys.executable).with_name("dbt")
        return beside if beside.exists() else None
    given = Path(os.path.abspath(os.path.expanduser(dbt)))
    program = given / "bin" / "dbt" if given.is_dir() else given
    if not program.is_file():
        raise ConfigurationError(
            f"there is no dbt at {program}",
            fix="name the dbt program, or the folder of the virtual environment it is installed in",
        )
    return program


def write_privately(file: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on, and never half of it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=file.parent, prefix=".profiles-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(made, file)
    except BaseException:
        os.unlink(made)
        raise


def words_of(command: str) -> Sequence[str]:
    """Return the words of a text that is one dbt command and nothing else; else none."""
    lexer = shlex.shlex(command.replace("\\\n", " ").strip(), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return ()
    several = any(word and set(word) <= set("();<>|&") for word in words)
    if several or "\n" in command.replace("\\\n", " ").strip() or words[:1] != ["dbt"]:
        return ()
    return words


def places_of(words: Sequence[str]) -> dict[str, str] | None:
    """Return the options that say where things are; None if the shell has a say in one of them."""
    found: dict[str, str] = {}
    for position, word in enumerate(words):
        name, given, value = word.partition("=")
        if name in _PLACES:
            value = value if given else "".join(words[position + 1 : position + 2])
            if not value or any(sign in value for sign in "$`~*?[{"):
                return None
            found[name] = value
    return found


def target_folder(places: Mapping[str, str], folder: Path, env: Mapping[str, Any]) -> Path:
    """Return the folder that a dbt command writes to.

    Args:
        places: The options of the command that say where things are.
        folder: Where it runs.
        env: Variables given to it.
    """

    def place(option: str, variable: str) -> str | None:
        named = env.get(variable, os.environ.get(variable))
        return places.get(option) or (str(named) if named else None)

    project = folder / (place("--project-dir", "DBT_PROJECT_DIR") or ".")
    target = place("--target-path", "DBT_TARGET_PATH") or _target_path(project)
    return project / target


def _target_path(project: Path) -> str:
    from orchestrator.errors import OrchestratorError
    from tasks.dbt.profiles import read_project

    try:
        return str(read_project(str(project)).get("target-path") or "target")
    except OrchestratorError:
        return "target"  # dbt will say what is wrong with the project

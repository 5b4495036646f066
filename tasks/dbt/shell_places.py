"""Places of a dbt command: the PATH on which its dbt is found, files that only their owner may read."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from orchestrator.errors import ConfigurationError


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

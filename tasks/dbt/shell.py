"""Runs any dbt as a shell command: profiles of its own, readable logs, node states as they happen."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import ConfigurationError
from orchestrator.process.output import Stream
from orchestrator.process.result import ProcessResult
from orchestrator.secrets import resolve
from tasks.shell import Said, Script, ShellTask, revealed

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: Text in which somebody else than the task reads what dbt prints; `||`, `2>&1` and `>&2` are none.
_READ_BY_OTHERS = re.compile(r"[|>`]|\$\(|<\(")
_HARMLESS = re.compile(r"\|\||2>&1|>&2")
_UNDER_WAY = frozenset({"", "none", "started", "compiling", "executing"})
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_SHOWN = 60  #: lines of dbt's errors in a message


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node of a dbt project came to its end.

    Args:
        unique_id: As dbt names it: ``model.shop.orders``.
        status: dbt's word: ``success``, ``error``, ``fail``, ``warn``, ``pass``, ``skipped``, …
        seconds: How long it took, where dbt says so.
        message: dbt's line about it.
    """

    unique_id: str
    status: str
    seconds: float | None
    message: str


class DbtShellTask(ShellTask):
    """Runs dbt commands in a shell, with the arguments and results of Prefect 1's DbtShellTask.

    Where nobody else reads dbt's output (no pipe, redirection or ``$(…)`` in the command), dbt is
    asked for JSON: log lines keep their level, nodes are reported as they finish, and a failure
    shows dbt's own errors.

    Args:
        command: Text of the script: ``dbt build``; may be given to :meth:`run` instead.
        profile_name: Profile that ``dbt_kwargs`` fill; the project's own if left out.
        env: Variables to add to the environment.
        environment: Target that ``dbt_kwargs`` fill; ``default`` if left out.
        overwrite_profiles: Whether an existing profiles.yml in ``profiles_dir`` is replaced.
        profiles_dir: Folder of profiles.yml. If left out, one made of ``dbt_kwargs`` lives in a
            private folder as long as the command; otherwise it is written there and stays.
        set_profiles_envar: Whether dbt is told of the folder by ``DBT_PROFILES_DIR`` (in the
            command's environment only).
        dbt_kwargs: Settings of the target (``type``, ``path``, ``password`` …); may be secret
            references. Without them no profiles.yml is written.
        helper_script: Text put before the command.
        shell: The shell to run.
        return_all: Whether the result is the list of all lines instead of the last one.
        log_stderr: Whether the end of standard error is logged again, as errors, if it fails.
        project_dir: Folder to run in.
        dbt: The dbt to use: its file, or its virtual environment. If left out, the one beside this
            Python, else the one on the PATH.
        on_node: Called with a :class:`NodeFinished` for each node, as it finishes.
        kwargs: As :class:`~tasks.shell.ShellTask` takes them.

    Example:
        >>> DbtShellTask("dbt build", profile_name="shop", environment="dev",
        ...              dbt_kwargs={"type": "duckdb", "path": "shop.duckdb"}, project_dir="shop")
        <DbtShellTask DbtShellTask>
    """

    resource_type: ClassVar[str] = "dbt_shell"
    #: dbt cancels its queries on an interrupt, not on SIGTERM.
    stop_signal: ClassVar[int] = signal.SIGINT

    def __init__(
        self,
        command: str | None = None,
        profile_name: str | None = None,
        env: Mapping[str, Any] | None = None,
        environment: str | None = None,
        overwrite_profiles: bool = False,
        profiles_dir: str | os.PathLike[str] | None = None,
        set_profiles_envar: bool = True,
        dbt_kwargs: Mapping[str, Any] | None = None,
        helper_script: str | None = None,
        shell: str = "bash",
        return_all: bool = False,
        log_stderr: bool = False,
        project_dir: str | os.PathLike[str] | None = None,
        dbt: str | os.PathLike[str] | None = None,
        on_node: Callable[[NodeFinished], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            command, env, helper_script, shell, return_all, log_stderr,
            cwd=kwargs.pop("cwd", project_dir), **{"grace": 10.0, **kwargs},
        )  # fmt: skip
        self.profile_name = profile_name
        self.environment = environment
        self.overwrite_profiles = overwrite_profiles
        self.profiles_dir = profiles_dir
        self.set_profiles_envar = set_profiles_envar
        self.dbt_kwargs = dbt_kwargs
        self.dbt = dbt
        self.on_node = on_node

    def run(
        self,
        command: str | None = None,
        env: Mapping[str, Any] | None = None,
        helper_script: str | None = None,
        dbt_kwargs: Mapping[str, Any] | None = None,
    ) -> str | list[str] | None:
        """Run the command; arguments left out are the task's own, ``dbt_kwargs`` are laid over them.

        Returns:
            The last line that dbt prints (None if there is none), or all lines.

        Raises:
            CommandFailed: dbt failed; the message shows its errors.
            ConfigurationError: No profile can be written, or there is no such dbt.
        """
        script = self._script(command, helper_script)
        target = {**(self.dbt_kwargs or {}), **(dbt_kwargs or {})}
        given = dict((self.env if env is None else env) or {})
        scratch = Path(tempfile.mkdtemp(prefix="orchestrator-dbt-"))
        try:
            folder = self._profiles(target, given, scratch)
            settings = {**_asks_for_json(script), "DBT_USE_COLORS": "false", **given}
            if folder is not None and self.set_profiles_envar:
                settings["DBT_PROFILES_DIR"] = str(folder)
            made = self._environment(settings)
            made["PATH"] = _path_to(self.dbt, scratch, made.get("PATH", os.defpath))
            return self._execute(script, made, self._said(), scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _said(self) -> DbtSaid:
        plain = super()._said()
        return DbtSaid(plain.logger, plain.level, self.return_all, self.on_node)

    def _profiles(
        self, target: Mapping[str, Any], env: Mapping[str, Any], scratch: Path
    ) -> Path | None:
        """Write profiles.yml if it is to be written; return its folder, None for dbt's own choice."""
        project = Path(os.path.abspath(os.path.expanduser(self.cwd or os.curdir)))
        if self.profiles_dir is not None:
            folder = project / Path(self.profiles_dir).expanduser()
        elif not target or self._chosen_by(env):
            return None
        else:
            folder = scratch / "profiles"
        file = folder / "profiles.yml"
        if target and (self.overwrite_profiles or not file.exists()):
            _write_privately(file, self._profile(target, project))
        return folder

    def _chosen_by(self, env: Mapping[str, Any]) -> bool:
        """Whether an existing profiles.yml is named by a variable, and is to be used."""
        if self.overwrite_profiles:
            return False
        named = env.get("DBT_PROFILES_DIR")
        if named is None and not self.set_profiles_envar:
            named = os.environ.get("DBT_PROFILES_DIR")
            if named is None:
                raise ConfigurationError(
                    f"task {self.name!r}: dbt would never learn of the profile in dbt_kwargs",
                    fix="give profiles_dir, or leave set_profiles_envar=True",
                )
        return named is not None and (Path(named) / "profiles.yml").exists()

    def _profile(self, target: Mapping[str, Any], project: Path) -> str:
        import yaml

        from tasks.dbt.profiles import read_project

        name = self.profile_name or read_project(str(project)).get("profile")
        if not name:
            raise ConfigurationError(
                f"task {self.name!r}: dbt_kwargs belong to no profile", fix="give profile_name"
            )
        environment = self.environment or "default"
        output = resolve(revealed(target))
        profile = {str(name): {"target": environment, "outputs": {environment: output}}}
        try:
            return str(yaml.safe_dump(profile, sort_keys=False, allow_unicode=True))
        except yaml.YAMLError as error:
            raise ConfigurationError(
                f"task {self.name!r}: dbt_kwargs cannot be written as YAML: {error}",
                fix="use text, numbers, booleans, lists and mappings",
            ) from None


class DbtSaid(Said):
    """What dbt says: its JSON events turned into lines, levels, node states and errors."""

    longest = 16 * 2**20

    def __init__(
        self,
        logger: logging.Logger,
        level: int | None,
        return_all: bool,
        on_node: Callable[[NodeFinished], None] | None,
    ) -> None:
        super().__init__(logger, level, return_all)
        self._on_node = on_node
        self._finished: set[tuple[str, str]] = set()
        self._errors: dict[str, list[str]] = {}
        self._lines: list[str] = []

    def take(self, stream: Stream, text: str) -> None:
        """Take one line."""
        event = _event(text) if stream == "stdout" else None
        if event is None:
            self._keep(stream, text.rstrip())
            super().take(stream, text)
            return
        info, data = event
        message = _ANSI.sub("", str(info.get("msg") or "")).strip("\n")
        level = _LEVELS.get(str(info.get("level")), logging.INFO)
        self._note(info, data, message)
        if message.strip() and level > logging.DEBUG:
            self._keep("stdout", *message.splitlines())
            if self.level is not None:
                self.logger.log(max(level, self.level), "%s", message)

    def returned(self, result: ProcessResult) -> str | list[str] | None:
        """Return what the task returns."""
        if self.return_all:
            return self._lines
        return self._lines[-1] if self._lines else None

    def errors(self) -> tuple[str, ...]:
        """Return dbt's errors, node by node; nothing if it told none in JSON."""
        lines = [line for error in self._errors.values() for line in error]
        if not lines:
            return tuple(self._lines[-20:]) if self._finished else ()
        cut = [f"… {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
        return (*lines[:_SHOWN], *cut)

    def _keep(self, stream: Stream, *lines: str) -> None:
        if stream == "stdout":
            self._lines.extend(lines)
            if not self.return_all:
                del self._lines[:-20]

    def _note(self, info: Mapping[str, Any], data: Mapping[str, Any], message: str) -> None:
        name = str(info.get("name"))
        node = data.get("node_info")
        node = node if isinstance(node, Mapping) else {}
        if name.startswith(("Log", "Skipping")):
            if "Batch" not in name:  # one of many of a microbatch model
                self._note_node(str(info.get("invocation_id")), node, data, message)
            return
        key = str(node.get("unique_id") or "")
        if info.get("level") == "error" and name != "EndOfRunSummary":
            self._errors.setdefault(key, []).extend(_unblank(message))
        elif name == "SQLCompiledPath" and key in self._errors:
            self._errors[key].extend(_unblank(message))

    def _note_node(
        self, invocation: str, node: Mapping[str, Any], data: Mapping[str, Any], message: str
    ) -> None:
        status, unique_id = str(node.get("node_status") or "").lower(), str(node.get("unique_id"))
        if status in _UNDER_WAY or (invocation, unique_id) in self._finished:
            return
        self._finished.add((invocation, unique_id))
        seconds = data.get("execution_time")
        if self._on_node is not None:
            took = float(seconds) if isinstance(seconds, int | float) else None
            self._on_node(NodeFinished(unique_id, status, took, message))


def _event(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    info = found.get("info")
    if not isinstance(info, dict) or "msg" not in info:
        return None
    data = found.get("data")
    return info, data if isinstance(data, dict) else {}


def _unblank(message: str) -> Iterable[str]:
    return (line.rstrip() for line in message.splitlines() if line.strip())


def _asks_for_json(script: Script) -> dict[str, str]:
    """Return the variable that makes dbt write JSON, unless somebody else reads what it writes."""
    if _READ_BY_OTHERS.search(_HARMLESS.sub("", script.text)):
        return {}
    return {"DBT_LOG_FORMAT": "json"}


def _path_to(dbt: str | os.PathLike[str] | None, scratch: Path, path: str) -> str:
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


def _write_privately(file: Path, text: str) -> None:
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

"""Runs any dbt as a shell command: profiles of its own, readable logs, node states as they happen."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model.signals import FAIL, Result
from orchestrator.model.task import Task
from orchestrator.process.result import (
    CommandCancelled,
    CommandFailed,
    CommandTimedOut,
    ProcessResult,
)
from tasks.dbt.results import error_line
from tasks.dbt.shell_places import path_to, places_of, target_folder, words_of, write_privately
from tasks.dbt.shell_retry import again, marked
from tasks.dbt.shell_said import DbtSaid, NodeFinished
from tasks.dbt.shell_sql import compiled_by
from tasks.shell import ShellTask
from tasks.shell.command import plain, revealed
from tasks.shell.task import Script

__all__ = ["DbtCancelled", "DbtFailed", "DbtShellTask", "DbtTimedOut", "NodeFinished"]

#: Text in which somebody else than the task reads what dbt prints; `||`, `2>&1` and `>&2` are none.
_READ_BY_OTHERS = re.compile(r"[|>`]|\$\(|<\(")
_HARMLESS = re.compile(r"\|\||2>&1|>&2")
#: What makes a helper script have a say in where dbt's output goes.
_MEDDLES = re.compile(r"\b(dbt|exec)\b")
_SQL_LIMIT = 200_000  #: characters of compiled SQL kept with a failure
_NAMED = 3  #: broken nodes that the message names

OnRetry = Literal["failed", "all"]


class DbtFailed(FAIL, CommandFailed):
    """Raised when a dbt command that had begun fails; its detail holds the nodes and the failing SQL."""


class DbtTimedOut(DbtFailed, CommandTimedOut):
    """Raised when a dbt command is stopped because its time is over; what is done is in its detail."""


class DbtCancelled(DbtFailed, CommandCancelled):
    """Raised when a dbt command is cancelled; what is done is in its detail."""


_KINDS: dict[type[CommandFailed], type[DbtFailed]] = {
    CommandFailed: DbtFailed,
    CommandTimedOut: DbtTimedOut,
    CommandCancelled: DbtCancelled,
}


class DbtShellTask(ShellTask):
    """Runs dbt commands in a shell, with the arguments and results of Prefect 1's DbtShellTask.

    Where nobody else reads dbt's output (no pipe, redirection or ``$(…)`` in the command), dbt is
    asked for JSON: log lines keep their level, nodes are reported as they finish and kept with the
    attempt, and a failure shows dbt's own errors and the SQL that failed.

    Args:
        command: Text of the script: ``dbt build``; may be given to :meth:`run` instead.
        profile_name: Profile that ``dbt_kwargs`` fill; the project's own if left out.
        env: Variables to add to the environment; may be secret references.
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
        on_retry: What attempts after the first run: ``"failed"``, what failed and what was skipped
            because of it, by ``dbt retry``, where the attempt before left results that allow it;
            ``"all"``, the whole command.
        kwargs: As :class:`~tasks.shell.ShellTask` takes them.

    Raises:
        DbtFailed: Nodes broke; the message shows dbt's errors. When it was stopped:
            ``DbtTimedOut``, ``DbtCancelled``.
        CommandFailed: dbt ended before it came to a node.
        ConfigurationError: No profile can be written, or there is no such dbt.

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
        on_retry: OnRetry = "failed",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            command, env, helper_script, shell, return_all, log_stderr,
            cwd=kwargs.pop("cwd", project_dir), **{"grace": 10.0, **kwargs},
        )  # fmt: skip
        if on_retry not in ("failed", "all"):
            raise FlowError(
                f"task {self.name!r}: on_retry={on_retry!r} is not known",
                fix='give "failed" or "all"',
            )
        self.profile_name = profile_name
        self.environment = environment
        self.overwrite_profiles = overwrite_profiles
        self.profiles_dir = profiles_dir
        self.set_profiles_envar = set_profiles_envar
        self.dbt_kwargs = dbt_kwargs
        self.dbt = dbt
        self.on_node = on_node
        self.on_retry = on_retry
        self.in_flow = False

    def run(
        self,
        command: str | None = None,
        env: Mapping[str, Any] | None = None,
        helper_script: str | None = None,
        dbt_kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the command; arguments left out are the task's own, ``dbt_kwargs`` are laid over them.

        Returns:
            The last line that dbt prints (None if there is none), or all lines.
        """
        script, given = self._script(command, helper_script), self._variables(env)
        target = revealed(self.dbt_kwargs) | plain(dbt_kwargs or {})
        whole = self.on_retry == "all"
        rest = None if whole else again(script.command, self._folder(), given)
        said = self._said()
        if rest is not None:
            said.logger.info(
                "%s: %d nodes of the attempt before are left", rest.command, rest.nodes
            )
            try:
                return self._dbt(Script(rest.command, script.helper), given, target, said)
            except CommandFailed as error:
                if error.result is None or error.result.stopped or said.nodes:
                    raise
                said.logger.warning("dbt retry could not begin; the whole command runs: %s", error)
                said = self._said()
        return self._dbt(script, given, target, said)

    # -- one command -----------------------------------------------------------------------

    def _dbt(
        self, script: Script, given: Mapping[str, Any], target: Mapping[str, Any], said: DbtSaid
    ) -> Any:
        """Run a script with its profile and its dbt; both are gone with it, even if it is killed."""
        scratch = Path(tempfile.mkdtemp(prefix="orchestrator-dbt-"))
        try:
            folder = self._profiles(target, given, scratch)
            settings = {**_asks_for_json(script), "DBT_USE_COLORS": "false", **marked(), **given}
            if folder is not None and self.set_profiles_envar:
                settings["DBT_PROFILES_DIR"] = str(folder)
            path = settings.get("PATH") or os.environ.get("PATH", os.defpath)
            settings["PATH"] = path_to(self.dbt, scratch, str(path))
            places = places_of(words_of(script.command))
            said.writes_to = (
                None if places is None else target_folder(places, self._folder(), given)
            )
            return self._told(self._run_script(script, settings, said, scratch), said)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _told(self, value: Any, said: DbtSaid) -> Any:
        """The value, and in a flow what is known of the nodes.

        A subclass with a ``run`` of its own gets the plain value, as it would from Prefect 1.
        """
        if not (self.in_flow and type(self).run is DbtShellTask.run and said.nodes):
            return value
        status = "warn" if any(node.status == "warn" for node in said.nodes) else None
        return Result(value, f"{len(said.nodes)} nodes", status, detail=said.detail(_sql(said)))

    def _failure(self, shown: str, result: ProcessResult, said: Any) -> CommandFailed:
        found = super()._failure(shown, result, said)
        kind, broken = _KINDS.get(type(found)), said.broken()
        if kind is None or not said.nodes:
            return found
        error = kind(found.what, status=broken[0].status if broken else None)
        error.output, error.result, error.fix = found.output, result, found.fix
        if broken and not result.stopped:
            names = ", ".join(node.name for node in broken[:_NAMED])
            more = ", …" if len(broken) > _NAMED else ""
            error.message = f"{len(broken)} of {len(said.nodes)} nodes failed: {names}{more}"
        sql = self._sql_of(broken[0], said) if broken else {}
        error.detail = {"error": str(error), **sql, **said.detail(_sql(said))}
        return error

    def _sql_of(self, node: NodeFinished, said: DbtSaid) -> dict[str, Any]:
        """Where a broken node stands, and the SQL that dbt sent for it."""
        named = said.compiled.get(node.unique_id)
        detail: dict[str, Any] = {"path": said.files.get(node.unique_id)}
        if named:
            file = self._folder() / named
            code = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
            detail |= {
                "compiled_path": str(file),
                "compiled_code": code[:_SQL_LIMIT],
                "error_line": error_line(said.error_of(node), code),
            }
        return {name: value for name, value in detail.items() if value}

    def _bound(self, *args: Any, **kwargs: Any) -> Task:
        twin = super()._bound(*args, **kwargs)
        twin.in_flow = True  # type: ignore[attr-defined]
        return twin

    def _said(self) -> DbtSaid:
        plain_said = super()._said()
        return DbtSaid(plain_said.logger, plain_said.level, self.return_all, self.on_node)

    def _folder(self) -> Path:
        return Path(os.path.abspath(os.path.expanduser(self.cwd or os.curdir)))

    # -- its profile -----------------------------------------------------------------------

    def _profiles(
        self, target: Mapping[str, Any], env: Mapping[str, Any], scratch: Path
    ) -> Path | None:
        """Write profiles.yml if it is to be written; return its folder, None for dbt's own choice."""
        project = self._folder()
        if self.profiles_dir is not None:
            folder = project / Path(self.profiles_dir).expanduser()
        elif not target or self._chosen_by(env):
            return None
        else:
            folder = scratch / "profiles"
        file = folder / "profiles.yml"
        if target and (self.overwrite_profiles or not file.exists()):
            write_privately(file, self._profile(target, project))
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
        profile = {str(name): {"target": environment, "outputs": {environment: dict(target)}}}
        try:
            return str(yaml.safe_dump(profile, sort_keys=False, allow_unicode=True))
        except yaml.YAMLError as error:
            raise ConfigurationError(
                f"task {self.name!r}: dbt_kwargs cannot be written as YAML: {error}",
                fix="use text, numbers, booleans, lists and mappings",
            ) from None


def _sql(said: DbtSaid) -> Mapping[str, str]:
    """The SQL of the nodes that a command told of, where it says where it writes."""
    if said.writes_to is None:
        return {}
    return compiled_by(said.writes_to, [node.unique_id for node in said.nodes], said.began)


def _asks_for_json(script: Script) -> dict[str, str]:
    """Return the variable that makes dbt write JSON, unless somebody else reads what it writes."""
    told = script.text if _MEDDLES.search(script.helper) else script.command
    if _READ_BY_OTHERS.search(_HARMLESS.sub("", told)):
        return {}
    return {"DBT_LOG_FORMAT": "json"}

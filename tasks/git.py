"""Clones a git repository at a commit, tag or branch into a folder, whole or not at all."""

from __future__ import annotations

import fcntl
import glob
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import ConfigurationError, FlowError, NotFoundError
from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.task import Task
from orchestrator.process.result import CommandCancelled, CommandFailed, ProcessResult
from orchestrator.process.run import child_environment, run_process
from orchestrator.secrets import Secret, masker, resolve
from tasks.shell.ends import failure

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PASSWORD = re.compile(r"^[a-z+]+://[^/@\s]*:[^/@\s]*@")
_SERVER = re.compile(r"^(https?://[^/]+)/")
_OWN = "orchestrator.url"  #: git's own configuration tells which clones are ours
#: What git and curl say when nobody answers; refused access is not among it.
_AWAY = re.compile(
    r"Could not resolve host|Failed to connect|Couldn't connect|Connection (refused|reset|timed out)"
    r"|Operation timed out|No route to host|early EOF|unexpected disconnect|error: 5\d\d"
)
_LOOK = 0.1  #: seconds between two looks whether another task has done with the folder
#: Answers for the one server whose token it is; the token itself is a variable, never a word.
_HELPER = '!f() { test "$1" = get && echo "username=$GIT_USER" && echo "password=$GIT_TOKEN"; }; f'


class GitUnreachable(CommandFailed):
    """Raised when the server of a repository does not answer, or breaks off."""


#: A server that is away for a moment is not worth a failed run.
_PATIENT = {"max_retries": 2, "retry_delay": 10, "retry_backoff": 3.0, "retry_on": GitUnreachable}


class GitClone(Task):
    """Clones a repository; the result says where, and at which commit.

    What is at that commit already, unchanged, is used as it is; else the clone is made beside the
    folder and takes its place when it is whole. A folder that this task did not make is left alone.
    Tasks that want one folder at the same time take turns. A server that does not answer is tried
    again after 10 and 30 seconds, unless ``max_retries`` says otherwise.

    Args:
        url: Of the repository, as git takes it, or a path; without a password.
        folder: Where to; relative to the current folder.
        ref: Branch, tag or full commit; the repository's own default branch if left out. Where a
            branch and a tag share a name: ``refs/heads/…`` or ``refs/tags/…``.
        token: Password or token for an ``https`` URL, as ``"secret:NAME"``.
        user: Name that goes with the token; GitHub and GitLab take any.
        depth: Commits of history to fetch; None for all.
        env: Variables for git (``GIT_SSH_COMMAND``, a proxy), as :class:`~tasks.ShellTask` takes them.
        grace: Seconds between asking git to end and killing it, when it is stopped.
        task_args: As any task takes them.

    Raises:
        NotFoundError: The repository has no such branch, tag or commit.
        GitUnreachable: The server does not answer.
        CommandFailed: git failed: access refused, no repository there.
        ConfigurationError: Something else stands where the folder should be, or the URL holds a
            password.

    Example:
        >>> GitClone("https://example.org/shop.git", "work/shop", ref="v1.2", token="secret:GIT_TOKEN")
        <GitClone GitClone>
    """

    resource_type: ClassVar[str] = "git"
    stops_when_told: ClassVar[bool] = True

    def __init__(
        self,
        url: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        ref: str | None = None,
        token: str | Secret | None = None,
        user: str = "x-access-token",
        depth: int | None = 1,
        env: Mapping[str, Any] | None = None,
        grace: float = 5.0,
        **task_args: Any,
    ) -> None:
        super().__init__(**{**_PATIENT, **task_args})
        if depth is not None and (isinstance(depth, bool) or depth < 1):
            raise FlowError(f"task {self.name!r}: depth={depth!r}", fix="give 1 or more, or None")
        self.url = url
        self.folder = folder
        self.ref = ref
        self.token = token
        self.user = user
        self.depth = depth
        self.env = env
        self.grace = grace

    def run(
        self,
        url: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        ref: str | None = None,
    ) -> dict[str, str]:
        """Clone, or find it there already; arguments left out are the task's own.

        Returns:
            ``{"path": …, "commit": …}``: the folder, absolute, and the full commit.
        """
        url, ref = self._words(url or self.url, ref or self.ref)
        place = folder or self.folder
        if place is None:
            raise FlowError(f"task {self.name!r} has no folder", fix="give folder=…")
        path = Path(os.path.abspath(os.path.expanduser(place)))
        git = Git(self._environment(url), self.timeout, self.grace)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            commit = ref if ref and _COMMIT.fullmatch(ref) else git.commit_of(url, ref)
            if not self._stands(git, path, url, commit):
                self._clone(git, path, url, commit)
        return {"path": str(path), "commit": commit}

    def _words(self, url: str | None, ref: str | None) -> tuple[str, str | None]:
        if not url:
            raise FlowError(f"task {self.name!r} has no repository", fix="give url=…")
        if _PASSWORD.match(url):
            raise ConfigurationError(
                f"task {self.name!r}: the URL holds a password",
                fix='take it out, and give token="secret:NAME"',
            )
        for word in (url, ref or "a"):
            if word.startswith("-") or not word.isprintable():
                raise FlowError(f"task {self.name!r}: git cannot take {word!r}")
        if "://" not in url and os.path.isdir(url):
            url = os.path.abspath(url)
        return url, ref

    def _environment(self, url: str) -> dict[str, str]:
        said: dict[str, Any] = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
            "LC_ALL": "C",
            **resolve(dict(self.env or {})),
        }
        masker().add_environment(said)
        if self.token is None:
            return child_environment(said)
        server = _SERVER.match(url)
        if server is None:
            raise ConfigurationError(
                f"task {self.name!r}: a token goes with an http or https URL only",
                fix="leave token out; ssh has keys of its own",
            )
        token = self.token.get() if isinstance(self.token, Secret) else resolve(self.token, "TOKEN")
        key = f"credential.{server[1]}.helper"
        said |= {"GIT_USER": self.user, "GIT_TOKEN": token, "GIT_CONFIG_COUNT": "2"}
        # The first, empty, takes the machine's own helpers away: they would keep the token.
        said |= {"GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": ""}
        said |= {"GIT_CONFIG_KEY_1": key, "GIT_CONFIG_VALUE_1": _HELPER}
        return child_environment(said)

    # -- the folder ------------------------------------------------------------------------

    def _stands(self, git: Git, path: Path, url: str, commit: str) -> bool:
        """Whether the folder is what is wanted; raises where it is somebody else's."""
        if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
            return False
        if not (path / ".git").is_dir() or git.asked(path, "config", "--get", _OWN) is None:
            raise ConfigurationError(
                "something else stands where the clone should be",
                where=str(path),
                fix="move it away, or give another folder",
            )
        if git.asked(path, "config", "--get", _OWN) != [url]:
            return False
        return git.asked(path, "rev-parse", "HEAD") == [commit] and not git.asked(
            path, "status", "--porcelain", "--untracked-files=all"
        )

    def _clone(self, git: Git, path: Path, url: str, commit: str) -> None:
        prefix = f".{path.name}.clone-"
        for left in path.parent.glob(glob.escape(prefix) + "*"):
            shutil.rmtree(
                left, ignore_errors=True
            )  # of a process that was killed: the lock is ours
        beside = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
        try:
            made = beside / "new"
            git.run("init", "--quiet", str(made))
            git.run("remote", "add", "origin", url, folder=made)
            self._fetch(git, made, commit)
            git.run("checkout", "--quiet", "--detach", commit, folder=made)
            git.run("config", _OWN, url, folder=made)
            if os.path.lexists(path):
                os.rename(path, beside / "old")
            os.rename(made, path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _fetch(self, git: Git, folder: Path, commit: str) -> None:
        fetch = ("fetch", "--quiet", "--no-tags")
        if self.depth is not None:
            try:
                git.run(*fetch, f"--depth={self.depth}", "origin", commit, folder=folder)
                return
            except CommandFailed as error:
                if not _refused(error):
                    raise
        # A server that hands out no single commits: everything, and look for it there.
        git.run("fetch", "--quiet", "--tags", "origin", folder=folder)
        if git.asked(folder, "cat-file", "-e", f"{commit}^{{commit}}") is None:
            raise NotFoundError(f"the repository has no commit {commit}")


class Git:
    """Runs git under supervision, with one environment.

    Args:
        env: The whole environment.
        timeout: Seconds for each command.
        grace: Seconds between asking it to end and killing it.
    """

    def __init__(self, env: Mapping[str, str], timeout: float | None, grace: float) -> None:
        self._env, self._timeout, self._grace = env, timeout, grace
        running = context.active()
        self._log = running.logger if running else get_logger("git")

    def run(self, *words: str, folder: Path | None = None) -> tuple[str, ...]:
        """Run a command; return its lines.

        Raises:
            CommandFailed: It failed; no token is in its text.
        """
        result = self._ended(words, folder)
        if not result.ok:
            raise _failed(words, result, self._timeout)
        return result.stdout

    def asked(self, folder: Path, *words: str) -> list[str] | None:
        """Return the lines of a question about a clone; None where git knows no answer."""
        result = self._ended(words, folder)
        return list(result.stdout) if result.ok else None

    def commit_of(self, url: str, ref: str | None) -> str:
        """Ask a repository where a branch or tag stands, or its default branch.

        Raises:
            NotFoundError: It has none of that name, or a branch and a tag.
        """
        names = _names(ref)
        wanted = [pattern for name in names for pattern in (name, name + "^{}")]
        lines = (line.split("\t") for line in self.run("ls-remote", "--", url, *wanted))
        found = {name: commit for commit, name in lines}
        # An annotated tag is an object of its own; the commit it stands for is listed behind it.
        there = [found.get(name + "^{}", found.get(name)) for name in names if name in found]
        if len(set(there)) == 1 and there[0]:
            return there[0]
        what = "a branch and a tag of that name" if there else "no such branch or tag"
        fix = (
            "say refs/heads/… or refs/tags/…" if there else "give a branch, a tag or a full commit"
        )
        raise NotFoundError(f"{masker().mask(url)} has {what}: {ref or 'HEAD'}", fix=fix)

    def _ended(self, words: Sequence[str], folder: Path | None) -> ProcessResult:
        at = ("-C", str(folder)) if folder else ()
        return run_process(
            ["git", *at, *words],
            env=self._env,
            on_line=lambda stream, text: (
                self._log.debug("%s", text) if stream == "stderr" else None
            ),
            timeout=self._timeout,
            grace=self._grace,
            keep=None,
        )


def _failed(words: Sequence[str], result: ProcessResult, timeout: float | None) -> CommandFailed:
    error = failure(" ".join(("git", *words)), result, (), timeout)
    if result.stopped or not _AWAY.search("\n".join(result.last_lines)):
        return error
    away = GitUnreachable(error.what, fix="see whether the server can be reached from this machine")
    away.output, away.result = error.output, result
    return away


def _names(ref: str | None) -> list[str]:
    if ref is None:
        return ["HEAD"]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/heads/{ref}", f"refs/tags/{ref}"]


def _refused(error: CommandFailed) -> bool:
    text = "\n".join(error.output)
    return (
        "unadvertised object" in text or "not our ref" in text or "does not support shallow" in text
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a folder against other tasks, also those of other processes."""
    running = context.active()
    lock = path.parent / f".{path.name}.lock"
    with open(lock, "w") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if running is not None and running.cancelled.wait(_LOOK):
                    raise CommandCancelled("cancelled while another task had the folder") from None
                time.sleep(_LOOK)
        yield

"""The git repository around a folder: what a ref names, what differs from it, its files as they were."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import NotFoundError, ProjectError
from orchestrator.process.run import child_environment, run_process

#: What a hook of git tells its children about another repository, or another state of this one.
_OF_HOOKS = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
)  # fmt: skip
_SECONDS = 120.0  #: for one command; a partial clone may fetch meanwhile
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository, asked through the command ``git`` under supervision.

    Args:
        top: Its working tree.
        folder: The folder it was found from, in it.
    """

    top: Path
    folder: Path

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Return the repository that a folder lies in.

        Raises:
            ProjectError: There is none, or no ``git``.
        """
        folder = folder.resolve()
        if shutil.which("git") is None:
            raise ProjectError(
                "git is not installed here, and this needs it",
                fix="install git; what lies in the folder is deployed and run without it",
            )
        code, out, said = _git(folder, ("rev-parse", "--show-toplevel"))
        if code == 0 and out:
            return cls(Path(out).resolve(), folder)
        if "not a git repository" in said:
            raise ProjectError(
                "the project is in no git repository",
                where=str(folder),
                fix="git init, then commit its files",
            )
        raise ProjectError(f"git cannot read the repository: {said}", where=str(folder))

    @property
    def prefix(self) -> str:
        """The folder as git names it: from the top with slashes, empty at the top."""
        relative = self.folder.relative_to(self.top).as_posix()
        return "" if relative == "." else f"{relative}/"

    # -- refs ------------------------------------------------------------------------------

    def commit(self, ref: str) -> str:
        """Return the full commit that a tag, a branch or a commit's beginning names.

        Raises:
            NotFoundError: There is none; the nearest are offered.
        """
        if ref and not ref.startswith("-") and ref.isprintable():
            found = self.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
            if found:
                return found
        raise NotFoundError(
            f"git knows no commit, tag or branch {ref!r}",
            where=str(self.top),
            fix=self._instead_of(ref),
        )

    def label(self, ref: str, commit: str) -> str:
        """Return what a ref is: ``tag v1.2``, ``branch main``, or of a bare commit the tag at it.

        Args:
            ref: As somebody named it.
            commit: What it names.
        """
        full = self.ask("rev-parse", "--symbolic-full-name", ref) or ""
        if full == "HEAD" or not full:  # a detached head, or a commit by its hash
            tags = (self.ask("tag", "--points-at", commit) or "").split()
            return f"tag {tags[-1]}" if tags else ""
        for begin, kind in (
            ("refs/tags/", "tag "), ("refs/heads/", "branch "), ("refs/remotes/", "branch "),
        ):  # fmt: skip
            if full.startswith(begin):
                return kind + full.removeprefix(begin)
        return full

    def head(self) -> str | None:
        """Return the commit of the working tree; None before the first one."""
        return self.ask("rev-parse", "--verify", "--quiet", "HEAD")

    def branch(self) -> str | None:
        """Return the branch of the working tree; None where none is checked out."""
        return self.ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def is_dirty(self) -> bool:
        """Whether the folder has changes that are in no commit, untracked files among them."""
        return bool(self.ask("status", "--porcelain", "--", "."))

    def merge_base(self, ref: str) -> str:
        """Return the commit at which the working tree's history left that of a ref.

        Raises:
            NotFoundError: There is no such ref.
            ProjectError: The two have no commit in common, as far as the clone knows.
        """
        commit = self.commit(ref)
        found = self.ask("merge-base", commit, "HEAD")
        if found:
            return found.splitlines()[0]
        shallow = self.is_shallow()
        raise ProjectError(
            f"git knows no commit that {ref!r} and the working tree have in common",
            where=str(self.top),
            fix=_fetch(ref, whole=True)
            if shallow
            else "commit first, or name a ref of its history",
        )

    def distance(self, commit: str, other: str = "HEAD") -> tuple[int, int] | None:
        """Return how many commits only ``commit`` has, and how many only ``other`` has.

        None where git does not know one of them.
        """
        found = self.ask("rev-list", "--left-right", "--count", f"{commit}...{other}", "--")
        if not found:
            return None
        left, right = found.split()
        return int(left), int(right)

    def is_shallow(self) -> bool:
        """Whether the clone has only a part of the history."""
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    # -- files -----------------------------------------------------------------------------

    def changed_since(self, commit: str) -> Mapping[str, str]:
        """Return what differs between a commit and the working tree, by path from the top.

        Staged, unstaged and untracked; what git ignores does not count. The value is git's letter:
        ``A`` added, ``M`` modified, ``D`` deleted, ``T`` another type, ``?`` untracked.
        """
        words = ("--name-status", "-z", "--no-renames", "--no-ext-diff", "--no-relative")
        parts = self.run("-C", str(self.top), "diff", *words, commit, "--").split("\0")
        changed = dict(zip(parts[1::2], parts[0::2], strict=False))
        untracked = self.run(
            "-C", str(self.top), "ls-files", "--others", "--exclude-standard", "-z"
        )  # fmt: skip
        for path in filter(None, untracked.split("\0")):
            changed[path] = "M" if path in changed else "?"
        return changed

    def text_at(self, commit: str, path: str) -> str | None:
        """Return a file as it was at a commit; None if it was not there."""
        return self.ask("cat-file", "blob", f"{commit}:{path}")

    def check_out(self, commit: str, into: Path) -> None:
        """Write all files of a commit into an empty folder; the repository stays as it is.

        Raises:
            ProjectError: git cannot.
        """
        with tempfile.TemporaryDirectory(prefix="orchestrator-") as beside:
            index = {"GIT_INDEX_FILE": os.path.join(beside, "index")}
            self.run("read-tree", commit, env=index)
            words = ("checkout-index", "--all", "--force", "--quiet")
            self.run("-C", str(self.top), *words, f"--prefix={into}/", env=index)

    # -- asking ----------------------------------------------------------------------------

    def ask(self, *words: str) -> str | None:
        """Return what git answers; None where it knows no answer."""
        code, out, _ = _git(self.folder, words)
        return out if code == 0 else None

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """Return what git answers.

        Raises:
            ProjectError: It fails.
        """
        code, out, said = _git(self.folder, words, env)
        if code != 0:
            raise ProjectError(f"git failed: {said}", where=str(self.top))
        return out

    def _instead_of(self, ref: str) -> str:
        if self.is_shallow() or ref.startswith("origin/"):
            return _fetch(ref, whole=False)
        listed = self.ask("for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads")
        names = (listed or "").splitlines()
        near = difflib.get_close_matches(ref, names, _NEAREST, 0.5)
        if near:
            return f"did you mean {' or '.join(near)}?"
        if not names:
            return "commit first: the repository has no branch and no tag"
        return (
            "there are " + ", ".join(names[-8:]) + "; git fetch --tags brings those of the server"
        )


def _fetch(ref: str, *, whole: bool) -> str:
    """How to get a ref that the clone does not have, or its history."""
    name = ref.removeprefix("origin/")
    depth = "--unshallow " if whole else ""
    return (
        f"git fetch {depth}origin {name} (a shallow clone lacks it; in GitHub Actions: "
        "actions/checkout with fetch-depth: 0)"
    )


def _git(
    folder: Path, words: tuple[str, ...], env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """The exit code, what git wrote, and the last line of what it complained of."""
    complaints: list[str] = []
    said = dict.fromkeys(_OF_HOOKS) | {
        "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0",
    } | dict(env or {})  # fmt: skip
    done = run_process(
        ["git", "-c", "core.quotePath=false", *words], cwd=folder, env=child_environment(said),
        timeout=_SECONDS, keep=None,
        on_line=lambda stream, text: complaints.append(text) if stream == "stderr" else None,
    )  # fmt: skip
    why = next((line for line in reversed(complaints) if line.strip()), "")
    code = done.returncode if not done.stopped else done.returncode or 1
    return code, "\n".join(done.stdout), why or done.stopped

"""What differs between a project's folder and a git ref, as ``changed:REF`` asks for it."""

from __future__ import annotations

import ast
import os
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from orchestrator.errors import ProjectError
from orchestrator.process.git import Repository
from orchestrator.service.deploying.content import code_names


class FindGitChanges:
    """Answers ``changed:REF`` for a project, each ref once.

    Args:
        root: The project's folder.
        flows: Folder of the flows' modules.
        state_dir: Where the project keeps its state, which is no code.
    """

    def __init__(self, root: Path, flows: Path, state_dir: Path) -> None:
        self._root, self._flows, self._state_dir = root, flows, state_dir
        self._found: dict[str, GitChanges] = {}

    def __call__(self, ref: str) -> GitChanges:
        """Return what differs from where the working tree's history left a ref.

        Raises:
            NotFoundError: git knows no such ref.
            ProjectError: There is no git, no repository, or no common history.
        """
        if ref not in self._found:
            repository = Repository.around(self._root)
            if repository.ask("check-ignore", "--quiet", ".") is not None:
                raise ProjectError(
                    "the project's folder is one that git ignores, so it cannot say what changed",
                    where=str(self._root),
                    fix="select by changes in the repository itself, not in a deployed copy of it",
                )
            self._found[ref] = GitChanges(
                repository, repository.merge_base(ref), self._root, self._flows, self._state_dir
            )
        return self._found[ref]


class GitChanges:
    """What differs from a commit: staged, unstaged and untracked; what git ignores does not count.

    Files are named from the project's folder; those outside of it by their whole path, and those
    that a link in the project leads to by their name behind the link.

    Args:
        repository: The repository.
        commit: What is compared with.
        root: The project's folder.
        flows: Folder of the flows' modules.
        state_dir: Where the project keeps its state.
    """

    def __init__(
        self, repository: Repository, commit: str, root: Path, flows: Path, state_dir: Path
    ) -> None:
        self._repository, self._commit, self._root = repository, commit, root.resolve()
        self._flows, self._state_dir = flows, state_dir

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Git's letter for each file that differs; one that is not tracked yet counts as added."""
        found = self._repository.changed_since(self._commit)
        untracked = any(letter == "?" for letter in found.values())
        code = code_names(self._root, without=self._state_dir) if untracked else frozenset()
        named = ((self._named(path), letter) for path, letter in found.items())
        return {
            name: "A" if letter == "?" else letter
            for name, letter in named
            if letter != "?" or name in code or name.startswith("/")
        }

    @cached_property
    def modules(self) -> frozenset[str]:
        """The modules of all flows of the project."""
        return frozenset(self._seen(path) for path in self._flows.glob("*.py"))

    def before(self, file: str) -> str | None:
        """A file's text at the commit; None if it was not there."""
        path = os.path.relpath(os.path.realpath(self._root / file), self._repository.top)
        return self._repository.text_at(self._commit, PurePosixPath(path).as_posix())

    def now(self, file: str) -> str | None:
        """A file's text; None if it is not there, or no text."""
        try:
            return (self._root / file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    def importers(self, file: str) -> frozenset[str]:
        """The project's Python files that import a file, and those that import them."""
        found: set[str] = set()
        queue = [file]
        while queue:
            names = _module_names(queue.pop())
            for other, imported in self._imports.items():
                if other not in found and other != file and names & imported:
                    found.add(other)
                    queue.append(other)
        return frozenset(found)

    @cached_property
    def _imports(self) -> Mapping[str, frozenset[str]]:
        """By Python file: dotted names of all that it may import."""
        names = code_names(self._root, without=self._state_dir)
        return {
            name: frozenset(_imported(name, self.now(name)))
            for name in names
            if name.endswith(".py")
        }

    def _named(self, path: str) -> str:
        whole = self._repository.top / path
        for target, name in self._links:
            if whole.is_relative_to(target):
                return (PurePosixPath(name) / whole.relative_to(target).as_posix()).as_posix()
        return self._seen(whole)

    def _seen(self, path: Path) -> str:
        if path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        return path.as_posix()

    @cached_property
    def _links(self) -> Collection[tuple[Path, str]]:
        """Folders outside of the project that a link in it leads to: dbt links its local packages."""
        found = []
        for place, folders, _ in os.walk(self._root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in folders:
                path = Path(place, name)
                if path.is_symlink() and not path.resolve().is_relative_to(self._root):
                    found.append((path.resolve(), path.relative_to(self._root).as_posix()))
        return found


def _module_names(file: str) -> frozenset[str]:
    """Names that an import may use for a file, wherever in it the search begins."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return frozenset(".".join(parts[start:]) for start in range(len(parts)))


def _imported(file: str, text: str | None) -> Iterator[str]:
    try:
        tree = ast.parse(text or "")
    except (SyntaxError, ValueError):
        return
    package = PurePosixPath(file).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                yield from _with_packages(f"{base}.{alias.name}" if base else alias.name)


def _with_packages(name: str) -> Iterator[str]:
    """A module's name, and those of the packages that are imported on the way to it."""
    parts = name.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))

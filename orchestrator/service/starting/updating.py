"""Brings a project up to its template's newest version: three-way, so that people's edits stay."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ConflictError, ProjectError
from orchestrator.process.git import Repository
from orchestrator.service.starting import packaged
from orchestrator.service.starting.answers import check_time_zone, refuse_unknown_answers
from orchestrator.service.starting.placing import named
from orchestrator.service.starting.translating import translated

ANSWERS = ".copier-answers.yml"
#: Codes of `git status` for files that two sides changed in one place.
_CONFLICTS = {"UU", "AA", "DD", "AU", "UA", "DU", "UD"}


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update changed.

    Args:
        target: The project's folder.
        before: The template's version until now.
        after: Its version now.
        changed: Files that are not as they were, relative to the folder.
        conflicts: Those of them in which both sides changed the same lines.
    """

    target: Path
    before: str
    after: str
    changed: tuple[Path, ...]
    conflicts: tuple[Path, ...]


def update(target: Path, data: Mapping[str, str]) -> Updated:
    """Merge the template's newest version into a project that was made from an older one.

    Questions that are new are answered with their defaults. Nothing is committed.

    Args:
        target: The project's folder.
        data: Answers that are to change.

    Raises:
        ProjectError: The folder is not one that a template made, or in no git repository; or there
            is no git.
        ConflictError: There are changes that are not committed; or the template is newer than this.
        NotFoundError: The template asks for no such thing.
        InfrastructureError: The template cannot be fetched.
    """
    target = target.expanduser().resolve()
    answers = _last_answers(target)
    before, source = str(answers["_commit"]), str(answers["_src_path"])
    packed = source == packaged.ADDRESS
    if packed:
        _refuse_newer(target, before)
        if before == packaged.version() and not data:
            return Updated(target, before, before, (), ())
    repository = Repository.around(target)
    _refuse_uncommitted(repository)
    if packed:
        refuse_unknown_answers(data, packaged.questions())
        check_time_zone(data)
        with _history(packaged.folder() / packaged.HISTORY):
            _merge(target, data, "the packaged templates")
    else:
        _merge(target, data, source)
    changed = _changed(repository)
    return Updated(
        target, before, str(_last_answers(target)["_commit"]), tuple(changed),
        tuple(path for path, code in changed.items() if code in _CONFLICTS),
    )  # fmt: skip


def _merge(target: Path, data: Mapping[str, str], source: str) -> None:
    from copier import run_update

    with translated(source):
        worker = run_update(
            target, dict(data), defaults=True, skip_answered=True, overwrite=True, quiet=True
        )
    refuse_unknown_answers(data, worker.template.questions_data)


@contextmanager
def _history(bundle: Path) -> Iterator[None]:
    """Let git read the packaged templates' address from a bundle, for copier's own calls of it."""
    from plumbum import local

    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    with tempfile.TemporaryDirectory(prefix="orchestrator-templates-") as cache:
        said = {
            "COPIER_CACHE_DIR": cache,
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"url.{bundle}.insteadOf",
            f"GIT_CONFIG_VALUE_{count}": packaged.GIT_ADDRESS,
        }
        before = {name: os.environ.get(name) for name in said}
        os.environ.update(said)  # copier reads the folder of its cache from here
        try:
            with local.env(**said):  # plumbum took its copy of the environment when it was imported
                yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _last_answers(target: Path) -> dict[str, Any]:
    import yaml

    path = target / ANSWERS
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(
            "this folder was not made by orchestrator init: there is nothing to update it from",
            where=str(path),
            fix="go to the folder of such a project, or name it",
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProjectError(
            f"what the project was made from cannot be read: {error}", where=str(path)
        ) from None
    if not isinstance(found, dict) or not {"_commit", "_src_path"} <= found.keys():
        raise ProjectError(
            "it is not said which version of which template the project was made from",
            where=str(path),
            fix="put _commit and _src_path back as they were in the repository's history",
        )
    return found


def _refuse_newer(target: Path, before: str) -> None:
    if packaged.is_newer(before, packaged.version()):
        raise ConflictError(
            f"the project was made from {before} of its template; this package has "
            f"{packaged.version()}",
            where=str(target / ANSWERS),
            fix="install the newer analytics-orchestrator",
        )


def _refuse_uncommitted(repository: Repository) -> None:
    if changed := _changed(repository):
        raise ConflictError(
            f"there are changes that are not committed: {named(tuple(changed))}",
            where=str(repository.folder),
            fix="commit them (or git stash), so that what the update changes can be told apart",
        )


def _changed(repository: Repository) -> dict[Path, str]:
    """Files of the folder that are not as committed, and git's code for each."""
    status = repository.run(
        "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", "."
    )
    entries = filter(None, status.split("\0"))
    return {
        (repository.top / entry[3:]).relative_to(repository.folder): entry[:2] for entry in entries
    }

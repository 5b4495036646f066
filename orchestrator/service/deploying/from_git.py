"""Deploys what git has under a ref: checked out clean, checked, and registered in a process of its own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestrator import errors
from orchestrator.errors import OrchestratorError, ProjectError, UsageError
from orchestrator.process.git import Repository
from orchestrator.process.run import child_environment, run_process
from orchestrator.service.deploying.checkout import VARIABLE
from orchestrator.service.deploying.content import code_names
from orchestrator.service.deploying.deploy import Deployed, Origin, Terms
from orchestrator.service.project import Project
from orchestrator.settings import FILE_NAME

_PACKAGES = ("packages.yml", "dependencies.yml")
_SECONDS = 1800.0  #: for packages, and for loading and planning all flows


def deploy_from_git(
    project: Project, ref: str, flows: Sequence[str] = (), terms: Terms | None = None
) -> tuple[Deployed, ...]:
    """Deploy flows as they are in a commit, whatever lies in the working tree.

    The commit is checked out into a folder of its own, and loaded by a process of its own. Each
    flow must be one that can be planned; nothing is registered where one cannot.

    Args:
        project: The project; its run store, name and state are used.
        ref: A tag, a branch or a commit.
        flows: Names of flows; all that the commit has, if none is named.
        terms: How they are run.

    Returns:
        One for each flow. What is current already is left as it is.

    Raises:
        NotFoundError: There is no such ref, flow or environment.
        ProjectError: There is no git or no repository, or the commit does not hold the project.
        OrchestratorError: Whatever else hinders it, said of the commit's files.
    """
    terms = terms or Terms()
    if terms.in_place:
        raise UsageError(
            "what is taken from git is no folder that runs could use in place",
            fix="leave out --in-place or --from-git",
        )
    repository = Repository.around(project.root)
    commit = repository.commit(ref)
    origin = Origin(commit, repository.label(ref, commit))
    with tempfile.TemporaryDirectory(prefix="orchestrator-") as scratch:
        top = Path(scratch).resolve() / "code"
        top.mkdir()
        repository.check_out(commit, top)
        root = top / repository.prefix
        _refuse_other(project, root, ref)
        _install_packages(root, ref)
        answer = _asked(project, repository, root, scratch, list(flows), terms, origin)
        return _read(project, answer, root, ref)


def _refuse_other(project: Project, root: Path, ref: str) -> None:
    """Refuse a commit in which the project's folder is not there, or is no project."""
    needed = FILE_NAME if project.configured else "dbt_project.yml"
    there = root.is_dir() and ((root / needed).is_file() or not project.configured)
    if not there:
        raise ProjectError(
            f"{ref} does not hold the project",
            where=f"{ref}:{root.name if not root.is_dir() else needed}",
            fix="commit it, or name a ref that has it",
        )


def _install_packages(root: Path, ref: str) -> None:
    """Let dbt install what a dbt project's packages are, where the commit does not hold them."""
    for name in sorted(code_names(root)):
        path = root / name
        if path.name not in _PACKAGES or not (path.parent / "dbt_project.yml").is_file():
            continue
        if (path.parent / "dbt_packages").is_dir() or "packages:" not in path.read_text("utf-8"):
            continue
        dbt = Path(sys.executable).with_name("dbt")
        done = run_process(
            [str(dbt) if dbt.is_file() else "dbt", "deps"], cwd=path.parent, timeout=_SECONDS,
            env=child_environment({"DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}),
        )  # fmt: skip
        if not done.ok:
            raise ProjectError(
                "dbt cannot install the packages: " + "\n".join(done.last_lines[-4:]),
                where=f"{ref}:{name}",
                fix="let `dbt deps` reach them from here, or commit dbt_packages",
            )


def _asked(
    project: Project,
    repository: Repository,
    root: Path,
    scratch: str,
    flows: list[str],
    terms: Terms,
    origin: Origin,
) -> dict[str, Any]:
    """Have the checked-out project deployed by a process that has imported nothing of this one."""
    answer = Path(scratch) / "answer.json"
    settings = project.settings
    order = {
        "root": str(root), "answer": str(answer), "flows": flows,
        "settings": {
            "name": project.name, "store": settings.store, "state_dir": str(settings.state_dir),
        },
        "terms": {**asdict(terms), "labels": list(terms.labels)}, "origin": asdict(origin),
    }  # fmt: skip
    done = run_process(
        # -P: a module of the checked-out folder is not to be taken for one of the orchestrator's.
        [sys.executable, "-P", "-m", "orchestrator.service.deploying.checkout"],
        cwd=root, timeout=_SECONDS, env=_environment(repository.top, root, json.dumps(order)),
    )  # fmt: skip
    try:
        found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        return found
    except (OSError, ValueError):
        raise ProjectError(
            "the process that loads the project ended before its time",
            where="\n".join(done.last_lines[-6:]) or None,
            fix="see whether a flow's module ends the process",
        ) from None


def _environment(top: Path, root: Path, order: str) -> dict[str, str]:
    """This process's environment; folders of the working tree to import from are the commit's."""
    code = root
    while code.name != "code":
        code = code.parent
    said: Mapping[str, Any] = {VARIABLE: order, "PYTHONDONTWRITEBYTECODE": "1"}
    places = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    moved = [
        str(code / Path(place).resolve().relative_to(top))
        if place and Path(place).resolve().is_relative_to(top)
        else place
        for place in places
    ]
    return child_environment({**said, "PYTHONPATH": os.pathsep.join(filter(None, moved)) or None})


def _read(
    project: Project, answer: Mapping[str, Any], root: Path, ref: str
) -> tuple[Deployed, ...]:
    if "error" in answer:
        raise _error(answer["error"], root, ref)
    with project.store() as store:
        return tuple(
            Deployed(store.deployment(one["id"]), one["is_new"]) for one in answer["deployments"]
        )


def _error(said: Mapping[str, Any], root: Path, ref: str) -> OrchestratorError:
    """The error of the other process, its files named as git does: ``v1.2:flows/nightly.py``."""
    known = getattr(errors, str(said["type"]), ProjectError)
    kind = known if issubclass(known, OrchestratorError) else ProjectError
    what, where, fix = (_renamed(said[name], root, ref) for name in ("what", "where", "fix"))
    return kind(what or "the project cannot be deployed", where=where, fix=fix)


def _renamed(text: str | None, root: Path, ref: str) -> str | None:
    if text is None:
        return None
    return text.replace(f"{root}{os.sep}", f"{ref}:").replace(str(root), ref)

"""Environments: what ``--to NAME`` gives a deployment, its runs, and the way back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    OrchestratorError,
    ParameterError,
    UsageError,
)
from orchestrator.model.planning import RunOptions
from orchestrator.service.agent.orders import process_order
from orchestrator.service.deploying.deploy import Terms, deploy
from orchestrator.service.deploying.listing import one_before
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import execute_run
from orchestrator.service.scheduler.making import run_of
from orchestrator.service.writing import write_run
from orchestrator.settings import load_settings
from orchestrator.store.deployments import Deployment
from tests.deploying.repositories import FILES, TOML


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [n for n in sys.modules if n.partition(".")[0] == "helpers"]:
        del sys.modules[name]


def current(root: Path, flow: str = "nightly") -> Deployment:
    project = Project.find(root)
    with project.store() as store:
        return store.current("shop", flow)


def test_an_environment_gives_target_labels_parameters_and_executor(root: Path) -> None:
    project = Project.find(root)
    nightly, weekly = deploy(project, [], Terms(to="prod", labels=("gpu",)))
    kept = nightly.deployment
    assert kept.environment == {"kind": "process", "name": "prod", "target": "prod"}
    assert kept.labels == ("gpu", "warehouse")
    assert (kept.parameters, kept.executor) == ({"day": "sunday"}, "inline")
    assert weekly.deployment.parameters == {}  # it has no such parameter
    [again, _] = deploy(project, [], Terms(to="prod", labels=("gpu",)))
    assert not again.is_new
    [said] = deploy(project, ["nightly"], Terms({"day": "today"}, executor="threads", to="prod"))
    assert said.deployment.parameters == {"day": "today"}
    assert said.deployment.executor == "threads"
    docker = {"kind": "docker", "image": "shop:1"}
    [said] = deploy(project, ["nightly"], Terms(environment=docker, to="prod"))
    assert said.deployment.environment == {**docker, "name": "prod", "target": "prod"}


def test_runs_of_it_use_its_target(root: Path) -> None:
    project = Project.find(root)
    deploy(project, [], Terms(to="prod"))
    with project.store() as store:
        run = write_run(project, store, "nightly", Request()).run
        assert run.options["run"] == {"target": "prod"}
        own = write_run(project, store, "nightly", Request(options=RunOptions(target="dev"))).run
        assert own.options["run"] == {"target": "dev"}
        deployment = store.deployment(run.deployment_id or "")
        assert process_order(run, deployment, project).folder == Path(deployment.source)


def test_runs_of_a_schedule_use_it_too(root: Path) -> None:
    project = Project.find(root)
    deploy(project, [], Terms(to="prod"))
    found = current(root)
    first = next(project.flow("nightly").schedule.occurrences(found.created))
    made = run_of("r1", first, found, "shop/nightly/main", found.created)
    assert made.options == {"executor": "inline", "run": {"target": "prod"}}


def test_a_run_plans_with_the_target(root: Path) -> None:
    (root / "flows/target.py").write_text(
        "from orchestrator import Flow, task\nfrom orchestrator.model.task import Task\n"
        "class Tells(Task):\n"
        "    def facts(self, key, planning):\n"
        "        self.told = planning.options.target\n"
        "        return super().facts(key, planning)\n"
        "    def run(self):\n"
        "        assert self.told == 'prod', self.told\n"
        "with Flow('target') as flow:\n    Tells(name='tells')()\n"
    )
    project = Project.find(root)
    deploy(project, ["target"], Terms(to="prod"))
    with project.store() as store:
        run_id = write_run(project, store, "target", Request()).run.id
    deployed = Project.find(Path(current(root, "target").source), {"store": project.settings.store})
    assert execute_run(deployed, run_id).state.is_successful()


def test_a_flow_is_not_taken_out_of_its_environment_by_chance(root: Path) -> None:
    project = Project.find(root)
    deploy(project, ["weekly"])
    deploy(project, ["weekly"], Terms(to="prod"))  # from none into one is fine
    for terms in (Terms(to="dev"), Terms()):
        with pytest.raises(ConflictError, match="in service in environment prod") as refused:
            deploy(project, [], terms)
        assert "--to prod" in (refused.value.fix or "")
    with pytest.raises(NotFoundError):
        current(root)  # nightly, which was free, was not deployed either
    with project.store() as store:
        store.delete("shop", "weekly")
    deploy(project, [], Terms(to="dev"))
    assert current(root, "weekly").environment["name"] == "dev"


def test_rollback_stays_in_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.find(root)
    deploy(project, ["weekly"], Terms(to="prod"))
    with project.store() as store:
        store.delete("shop", "weekly")
    deploy(project, ["weekly"], Terms(to="dev"))
    with project.store() as store:
        with pytest.raises(UsageError, match="first deployment in environment dev") as refused:
            one_before(store, "shop", "weekly")
        assert refused.value.fix == "name the number of another: 1 (prod)"
        store.delete("shop", "weekly")
    deploy(project, ["weekly"], Terms(to="prod", labels=("gpu",)))
    monkeypatch.chdir(root)
    assert execute(["deployments", "rollback", "weekly"]) == 0
    assert "at deployment 1 again" in (said := capsys.readouterr().out)
    assert "in environment prod" in said
    assert execute(["deployments", "list"]) == 0
    assert "in prod" in capsys.readouterr().out
    assert execute(["deployments", "show", "weekly"]) == 0
    assert "environment prod, target prod" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("terms", "kind", "says", "fix"),
    [
        (Terms(to="prd"), NotFoundError, "no environment 'prd'", "did you mean 'prod'?"),
        (Terms(to="bad"), UsageError, "no executor 'cloud'", "threads"),
        (Terms(to="odd"), ParameterError, "'dya', which no flow has", "did you mean 'day'?"),
    ],
)
def test_what_is_wrong_with_one_is_said(
    root: Path, terms: Terms, kind: type[OrchestratorError], says: str, fix: str
) -> None:
    (root / "orchestrator.toml").write_text(
        TOML + '[environments.bad]\nexecutor = "cloud"\n'
        '[environments.odd]\nparameters = {dya = "x"}\n'
    )
    with pytest.raises(kind, match=says) as refused:
        deploy(Project.find(root), [], terms)
    assert fix in (refused.value.fix or "")
    with Project.find(root).store() as store:
        assert store.deployments() == ()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (
            '[environments.prod]\ntaget = "x"',
            "'taget' in [environments.prod]; did you mean 'target'",
        ),
        ('[environments.prod]\nlabels = "x"', "labels in [environments.prod]: expected a list"),
        ("[environments.prod]\nparameters = 3", "parameters in [environments.prod]"),
        ('[environments]\nprod = "x"', "expected a table [environments.prod]"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "orchestrator.toml").write_text(table + "\n")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path, environ={})
    assert says in refused.value.what
    assert (refused.value.where or "").startswith("orchestrator.toml:")


def test_dates_of_a_table_are_kept_as_text(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text(
        "[environments.prod]\nparameters = {day = 2026-01-31}\n"
    )
    found = load_settings(tmp_path, environ={}).environments["prod"]
    assert found.parameters == {"day": "2026-01-31"}

"""Deploying a project's flows: what is kept, what is refused, and what does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import NotFoundError, OrchestratorError, ParameterError, UsageError
from orchestrator.schedule import Schedule
from orchestrator.service.deploying.deploy import Terms, deploy
from orchestrator.service.deploying.listing import history_of, in_service, one_before
from orchestrator.service.project import Project

FLOW = """
from orchestrator import CronClock, CronSchedule, Flow, Parameter, task

@task
def say(day):
    return day

with Flow("nightly", schedule=CronSchedule("30 2 * * *", timezone="Europe/Berlin")) as nightly:
    say(Parameter("day", default="monday"))

with Flow("hourly", schedule=CronClock("0 * * * *")) as hourly:
    say("now")

with Flow("byhand") as byhand:
    say("never")
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n')
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "shop.py").write_text(FLOW)
    return Project.find(tmp_path)


def test_all_flows_of_a_project_at_one_version(project: Project) -> None:
    done = deploy(project)
    assert [(one.deployment.flow, one.deployment.number, one.is_new) for one in done] == [
        ("nightly", 1, True), ("hourly", 1, True), ("byhand", 1, True),
    ]  # fmt: skip
    [version] = {one.deployment.version for one in done}
    folder = project.settings.state_dir / "deployments" / version
    assert {one.deployment.source for one in done} == {str(folder)}
    assert (folder / "flows" / "shop.py").read_text() == FLOW
    [schedule] = done[0].deployment.schedules
    assert schedule["name"] == "main"
    assert Schedule.from_dict(schedule) == project.flow("nightly").schedule
    assert done[2].deployment.schedules == ()
    with project.store() as store:
        assert [one.id for one in store.schedule_states()] == [
            "shop/hourly/main", "shop/nightly/main",
        ]  # fmt: skip


def test_the_code_of_a_version_loads_as_it_was(project: Project) -> None:
    [done] = deploy(project, ["nightly"])
    path = project.root / "flows" / "shop.py"
    path.write_text(FLOW.replace("monday", "friday"))
    [later] = deploy(Project.find(project.root), ["nightly"])
    assert later.deployment.number == 2
    defaults = {
        one.deployment.number: next(
            task.default
            for task in Project.find(Path(one.deployment.source)).flow("nightly")
            if task.name == "day"
        )
        for one in (done, later)
    }
    assert defaults == {1: "monday", 2: "friday"}


def test_a_copy_and_the_folder_itself_are_not_the_same(project: Project) -> None:
    [copied] = deploy(project, ["nightly"])
    [in_place] = deploy(project, ["nightly"], Terms(in_place=True))
    [again] = deploy(project, ["nightly"])
    assert in_place.is_new
    assert again.is_new
    assert in_place.deployment.source == str(project.root)
    assert again.deployment.source == copied.deployment.source != str(project.root)


def test_the_same_again_changes_nothing(project: Project) -> None:
    [first] = deploy(project, ["nightly"])
    [again] = deploy(project, ["nightly"])
    assert not again.is_new
    assert again.deployment == first.deployment
    [other] = deploy(project, ["nightly"], Terms(labels=["gpu"]))
    assert (other.is_new, other.deployment.number) == (True, 2)
    assert other.deployment.version == first.deployment.version


def test_terms_are_kept(project: Project) -> None:
    terms = Terms(
        {"day": "sunday"}, ("gpu",), "inline", {"kind": "docker", "image": "a:1"},
        {"catch_up": "all", "overlap": "skip"},
    )  # fmt: skip
    [done] = deploy(project, ["nightly"], terms)
    kept = done.deployment
    assert (kept.parameters, kept.labels, kept.executor) == ({"day": "sunday"}, ("gpu",), "inline")
    assert kept.environment == {"kind": "docker", "image": "a:1"}
    assert (kept.schedules[0]["catch_up"], kept.schedules[0]["overlap"]) == ("all", "skip")


@pytest.mark.parametrize(
    ("flows", "terms", "error", "says"),
    [
        (["weekly"], {}, NotFoundError, "no flow 'weekly'"),
        (["hourly"], {"parameters": {"day": "x"}}, ParameterError, "no parameter 'day'"),
        ([], {"executor": "cloud"}, UsageError, "no executor 'cloud'"),
        ([], {"environment": {"image": "a"}}, UsageError, "does not say its kind"),
        ([], {"policies": {"catch_up": "some"}}, OrchestratorError, "some"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    project: Project,
    flows: list[str],
    terms: dict[str, Any],
    error: type[OrchestratorError],
    says: str,
) -> None:
    with pytest.raises(error, match=says) as refused:
        deploy(project, flows, Terms(**terms))
    assert refused.value.fix
    with project.store() as store:
        assert store.deployments() == ()


def test_versions_must_share_one_database(project: Project) -> None:
    settings = project.root / "orchestrator.toml"
    where = '[warehouses.main]\ntype = "duckdb"\npath = '
    settings.write_text(f'name = "shop"\n{where}"shop.duckdb"\n')
    relative = Project.find(project.root)
    with pytest.raises(UsageError, match="relative to the project"):
        deploy(relative)
    [done, *_] = deploy(relative, [], Terms(in_place=True))
    assert done.deployment.source == str(project.root)
    settings.write_text(f'name = "shop"\n{where}"{project.root}/shop.duckdb"\n')
    [done, *_] = deploy(Project.find(project.root))
    assert "deployments" in done.deployment.source


def test_registering_a_flow_in_python(project: Project) -> None:
    flow = project.flow("nightly")
    made = flow.register("shop", labels=["gpu"], set_schedule_active=False)  # type: ignore[attr-defined]
    with project.store() as store:
        assert store.current("shop", "nightly").id == made
        assert store.current("shop", "nightly").labels == ("gpu",)
        assert [one.paused for one in store.deployed()] == [True]
    assert flow.register(labels=["gpu"]) == made  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="the project is 'shop'"):
        flow.register("other")  # type: ignore[attr-defined]


def test_what_is_in_service_and_its_history(project: Project) -> None:
    deploy(project, ["nightly", "hourly"])
    deploy(project, ["nightly"], Terms(labels=["gpu"]))
    with project.store() as store:
        with pytest.raises(UsageError, match="first deployment"):
            one_before(store, "shop", "hourly")
        assert one_before(store, "shop", "nightly") == 1
        store.delete("shop", "hourly")
        assert [one.flow.flow for one in in_service(store, "shop")] == ["nightly"]
        assert len(in_service(store, "shop", deleted=True)) == 2
        found = history_of(store, "shop", "nightly")
        assert [one.number for one in found.deployments] == [2, 1]
        assert [one.action for one in found.audit] == ["deploy", "deploy"]
        assert [one.name for one in found.now.schedules] == ["main"]
        assert history_of(store, "shop", "hourly").audit[0].action == "delete"
        with pytest.raises(NotFoundError, match="not deployed"):
            history_of(store, "shop", "byhand")

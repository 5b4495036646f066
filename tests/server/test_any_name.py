"""Flows are found by their whole name, whatever is in it, at every path that has a flow in it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from orchestrator.server.app import create_app
from orchestrator.server.flows import models
from orchestrator.server.naming import apart, whole
from orchestrator.service.deploying.deploy import deploy
from tests.server.catalogue.shop_project import Asking
from tests.server.projects import write_project

NAMES = ["a/b", "plan", "a/plan", "odd <script>alert(5)</script>", "...", "%2F", "a", "%252F",
         "a%2Fb", "a\\b", "/", "//", "ü/ß", "versions/compare", "?x=1#y"]  # fmt: skip
FLOWS = """
from orchestrator import CronClock, Flow, task

@task
def say():
    return 1

flows = []
for name in {names!r}:
    with Flow(name, schedule=CronClock("30 2 * * *", timezone="Europe/Berlin")) as flow:
        say()
    globals()["flow_" + str(len(flows))] = flow
    flows.append(name)
"""


def sent(name: str) -> str:
    """The name as a client sends it."""
    return quote(name, safe="")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    root = tmp_path_factory.mktemp("odd")
    project = write_project(root, odd=FLOWS.format(names=NAMES))
    deploy(project, NAMES)
    with project.store() as store:
        asking = Asking(create_app(project, store))
        asking.keeper()
        yield asking


@pytest.mark.parametrize("name", NAMES)
def test_a_flow_of_any_name_is_looked_at(shop: Asking, name: str) -> None:
    path = f"/flows/{sent(name)}"
    assert shop.get(path, models.WholeFlow)["name"] == name
    assert [task["key"] for task in shop.get(f"{path}/plan", models.Plan)["tasks"]] == ["say"]
    assert shop.get(f"{path}/durations", models.Durations)["runs"] == []
    compared = shop.get(f"{path}/versions/compare", models.Comparison, a=1, b=1)
    assert compared["a"]["flow"] == name
    shown = shop.get(f"/deployments/{sent(name)}")
    assert {one["flow"] for one in shown["history"]} == {name}


@pytest.mark.parametrize("name", NAMES)
def test_a_flow_of_any_name_is_steered(shop: Asking, name: str) -> None:
    path = f"/api/v1/deployments/{sent(name)}"
    for verb in ("pause", "resume"):
        done = shop.client.post(f"{path}/{verb}", json={})
        assert (done.status_code, done.json()["flow"]) == (200, name)
        done = shop.client.post(f"/api/v1/schedules/{verb}", json={"flow": name, "name": "main"})
        assert (done.status_code, done.json()["flow"]) == (200, name)
    given = {"schedules": [{"cron": "0 4 * * *", "timezone": "Europe/Berlin"}]}
    made = shop.client.put(f"/api/v1/flows/{sent(name)}/schedules", json=given)
    assert (made.status_code, made.json()["flow"]) == (200, name)
    assert shop.client.post(f"{path}/rollback", json={}).json()["flow"] == name
    gone = shop.client.delete(path)
    assert (gone.status_code, gone.json()["done"]) == (200, "deleted")
    deploy(shop.app.state.project, [name])


def test_slashes_between_names_are_not_those_within(shop: Asking) -> None:
    for path in (
        "/flows/a/b",
        "/flows//",
        "/deployments/a/b",
        "/flows%2Fa",
        "/flows/a%2Fb%2Fplan/",
    ):
        assert shop.client.get(f"/api/v1{path}").status_code == 404, path
    assert shop.client.get("/api%2Fv1/me").status_code == 404
    status, error = shop.refused("GET", f"/flows/{sent('no/pe')}/plan")
    assert (status, "'no/pe'" in error["what"]) == (404, True)
    assert shop.refused("GET", f"/flows/{sent('a' + chr(10))}")[0] == 422


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_out_as_it_went_in(name: str) -> None:
    raw = httpx.URL(f"http://x/flows/{sent(name)}/plan").raw_path
    parts = apart({"path": "", "raw_path": raw}).split("/")
    assert (len(parts), whole(parts[2]), parts[3]) == (4, name, "plan")


def test_without_what_was_sent_the_path_stays() -> None:
    assert apart({"path": "/flows/50%/plan"}) == "/flows/50%25/plan"
    assert apart({"path": "", "raw_path": b"/a/%ff%zz"}) == "/a/\ufffd%25zz"

"""Flows over HTTP: those of the project and those that are deployed, plans, versions, durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orchestrator.model.state import StateType
from orchestrator.server.flows import models
from orchestrator.service.project import Project
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Change, FlowRun
from tests.server.catalogue.shop_project import Asking


def test_every_flow_with_what_is_known_of_it(shop: Asking) -> None:
    found = {one["name"]: one for one in shop.get("/flows", models.Flows)["flows"]}
    assert list(found) == ["circle", "needy", "nightly"]
    nightly, needy, circle = found["nightly"], found["needy"], found["circle"]
    assert nightly["description"] == "What the shop does by itself."
    assert nightly["source"] == "flows/shop.py:10"
    assert nightly["tags"] == ["heavy"]
    assert (nightly["deployed"], nightly["paused"]) == (True, False)
    assert nightly["schedules"] == ["cron 45 2 * * * Europe/Berlin"]
    assert nightly["next"]["timezone"] == "Europe/Berlin"
    assert "T02:45:00" in nightly["next"]["local"]
    assert (needy["deployed"], needy["next"], needy["error"]) == (False, None, None)
    assert "circle" in circle["error"] or "cycle" in circle["error"]


def test_one_flow_with_parameters_versions_and_audit(shop: Asking) -> None:
    found = shop.get("/flows/nightly", models.WholeFlow)
    assert found["parameters"] == [
        {
            "name": "day",
            "type": "str",
            "default": "friday",
            "required": False,
            "description": "Of which day.",
        }
    ]
    assert [(one["number"], one["current"]) for one in found["versions"]] == [(2, True), (1, False)]
    assert [one["action"] for one in found["audit"]] == ["deploy", "deploy"]
    needy = shop.get("/flows/needy", models.WholeFlow)
    assert needy["parameter_schema"]["required"] == ["day"]
    assert needy["versions"] == []


def test_a_plan_also_of_a_flow_that_needs_parameters(shop: Asking) -> None:
    for name in ("nightly", "needy"):
        found = shop.get(f"/flows/{name}/plan", models.Plan)
        assert [(one["key"], one["wave"]) for one in found["tasks"]] == [("say", 1)]
    status, error = shop.refused("GET", "/flows/circle/plan")
    assert (status, error["where"]) == (400, "flows/circle.py:4")


def test_flows_that_are_not_there(shop: Asking) -> None:
    for path in ("", "/plan", "/durations"):
        status, error = shop.refused("GET", f"/flows/nope{path}")
        assert (status, error["fix"]) == (404, "the flows: circle, needy, nightly")
    assert shop.refused("GET", "/flows/" + "n" * 300)[0] == 422


def test_what_changed_between_two_versions(shop: Asking) -> None:
    found = shop.get("/flows/nightly/versions/compare", models.Comparison, a=1, b=2)
    assert (found["a"]["number"], found["b"]["number"]) == (1, 2)
    changed = {one["path"]: one for one in found["changed"]}
    assert {path: one["change"] for path, one in changed.items()} == {
        "flows/shop.py": "changed", "notes.txt": "added",
    }  # fmt: skip
    lines = changed["flows/shop.py"]["diff"].splitlines()
    assert '-    say(Parameter("day", default="monday", description="Of which day."))' in lines
    assert '+    say(Parameter("day", default="friday", description="Of which day."))' in lines
    assert found["schedules"] == [
        {"name": "main", "a": "cron 30 2 * * * Europe/Berlin", "b": "cron 45 2 * * * Europe/Berlin"}
    ]
    assert found["parameters"] == []
    status, error = shop.refused("GET", "/flows/nightly/versions/compare", a=1, b=7)
    assert (status, error["fix"]) == (404, "its deployments: 1, 2")
    assert shop.refused("GET", "/flows/needy/versions/compare", a=1, b=2)[0] == 404


def test_how_long_runs_took(shop: Asking, project: Project) -> None:
    start = datetime(2026, 3, 1, 2, tzinfo=UTC)
    store = shop.app.state.store
    for number in range(3):
        at = start + timedelta(days=number)
        store.create_run(FlowRun(f"f{number}", "needy", project.name, created=at))
        store.transition(f"f{number}", [Change(None, StateType.RUNNING, at=at)])
        end = at + timedelta(seconds=10 + number)
        store.transition(f"f{number}", [Change(None, StateType.SUCCESS, at=end)])
    found = shop.get("/flows/needy/durations", models.Durations, last=2)["runs"]
    assert [(one["run_id"], one["seconds"]) for one in found] == [("f1", 11.0), ("f2", 12.0)]
    row = shop.get("/flows", models.Flows)["flows"][1]
    assert (row["name"], row["last_run"]["run_id"]) == ("needy", "f2")


def test_a_flow_that_is_deployed_and_gone_from_the_files(shop: Asking, project: Project) -> None:
    gone = Deployment("d9", "shop", "gone <script>", "aa", str(project.root / "away"))
    shop.app.state.store.deploy(gone)
    assert shop.get("/flows/gone%20%3Cscript%3E")["versions"][0]["version"] == "aa"
    status, error = shop.refused("GET", "/flows/gone%20%3Cscript%3E/plan")
    assert (status, error["kind"]) == (404, "NotFoundError")
    shop.app.state.store.delete("shop", "gone <script>")

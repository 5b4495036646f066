"""Deployments and schedules over HTTP: shown, paused, rolled back, given by hand, backfilled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.server.schedules import models
from orchestrator.service.deploying.deploy import deploy
from orchestrator.service.project import Project
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.store.base import RunStore
from orchestrator.store.records import Change
from tests.server.catalogue.shop_project import Asking

HOURLY = {"cron": "15 * * * *", "timezone": "Europe/Berlin", "parameters": {"day": "now"}}


def test_deployments_are_shown_paused_and_taken_away(shop: Asking) -> None:
    [one] = shop.get("/deployments", models.Deployments)["deployments"]
    assert (one["flow"], one["number"], one["paused"]) == ("nightly", 1, False)
    done = shop.send("POST", "/deployments/nightly/pause", {}, models.Switched)
    assert done == {"flow": "nightly", "schedule": None, "done": "paused"}
    assert shop.get("/deployments/nightly", models.History)["paused"]
    shop.send("POST", "/deployments/nightly/resume", {}, models.Switched)
    shop.send("POST", "/deployments/nightly/pause", {"schedule": "main"}, models.Switched)
    found = shop.get("/deployments/nightly", models.History)
    assert (found["paused"], found["schedule_states"][0]["paused"]) == (False, True)
    assert [(one["action"], one["by"]) for one in found["audit"][:2]] == [
        ("pause", "local"), ("resume", "local"),
    ]  # fmt: skip
    shop.client.headers["content-type"] = "application/json"
    shop.send("DELETE", "/deployments/nightly", None, models.Switched)
    assert shop.get("/deployments")["deployments"] == []
    [gone] = shop.get("/deployments", deleted=True)["deployments"]
    assert gone["deleted"]
    assert shop.refused("POST", "/deployments/nightly/pause", {})[0] == 404


def test_rolled_back_to_a_number_or_to_the_one_before(shop: Asking) -> None:
    status, error = shop.refused("POST", "/deployments/nightly/rollback", {})
    assert (status, error["kind"]) == (400, "UsageError")
    shop.send("PUT", "/flows/nightly/schedules", {"schedules": []}, models.Deployment)
    back = shop.send("POST", "/deployments/nightly/rollback", {}, models.Deployment)
    assert back["number"] == 1
    forth = shop.send("POST", "/deployments/nightly/rollback", {"number": 2}, models.Deployment)
    assert forth["number"] == 2
    assert shop.refused("POST", "/deployments/nightly/rollback", {"number": 9})[0] == 404


def test_schedules_by_hand_are_a_new_deployment_of_the_same_version(
    shop: Asking, project: Project, store: RunStore
) -> None:
    before = store.current("shop", "nightly")
    body = {"schedules": [HOURLY, {"name": "noon", "cron": "0 12 * * *"}]}
    done = shop.send("PUT", "/flows/nightly/schedules", body, models.Deployment)
    assert (done["number"], done["version"], done["created_by"]) == (2, before.version, "local")
    main, noon = done["schedules"]
    assert (main["by_hand"], main["catch_up"]) == ("local", "all")  # of the schedule of that name
    assert (noon["name"], "catch_up" in noon) == ("noon", False)
    listed = {one["name"]: one for one in shop.get("/schedules", models.Schedules)["schedules"]}
    assert listed["main"]["schedule"] == "cron 15 * * * * Europe/Berlin"
    assert listed["noon"]["next"]["timezone"] == "UTC"
    soon = instants.now() + timedelta(hours=1, minutes=1)
    Scheduler(store, clock=lambda: soon).tick()
    runs = store.runs(flow="nightly")  # noon's, too, where the hour to come has it
    hourly = [run for run in runs if run.scheduled and run.scheduled.minute == 15]
    assert [run.parameters for run in hourly] == [{"day": "now"}] * len(hourly) != []
    [again] = deploy(project, ["nightly"])  # the code says what it always said
    assert [shape["name"] for shape in again.deployment.schedules] == ["main"]
    assert "by_hand" not in again.deployment.schedules[0]


@pytest.mark.parametrize(
    ("schedule", "status", "word"),
    [
        ({"cron": "61 * * * *"}, 400, "61"),
        ({"cron": "0 0 30 2 *"}, 400, "30 2"),
        ({"cron": "0 0 * * *", "timezone": "Mars/Olympus"}, 400, "Mars/Olympus"),
        ({"cron": "0 0 * * *", "timezone": "../../etc/passwd"}, 400, "passwd"),
        ({"cron": "0 0 * * *", "parameters": {"nope": 1}}, 422, "nope"),
        ({"cron": "0 0 * * *", "gap": "sometimes"}, 422, "gap"),
        ({"cron": "0 0 * * *", "name": "a\x00b"}, 422, "name"),
        ({}, 422, "cron"),
    ],
)
def test_schedules_that_are_refused(
    shop: Asking, schedule: dict[str, object], status: int, word: str
) -> None:
    shop.keeper()  # which knows the flow's parameters
    found, error = shop.refused("PUT", "/flows/nightly/schedules", {"schedules": [schedule]})
    assert found == status
    assert word in f"{error['what']} {error['where']} {error['fix']}"
    assert shop.get("/deployments/nightly")["number"] == 1


def test_two_schedules_of_one_name_and_a_flow_that_is_not_deployed(shop: Asking) -> None:
    assert (
        shop.refused("PUT", "/flows/nightly/schedules", {"schedules": [HOURLY, HOURLY]})[0] == 400
    )
    assert shop.refused("PUT", "/flows/needy/schedules", {"schedules": []})[0] == 404


def test_a_schedule_is_paused_and_resumed(shop: Asking) -> None:
    asked = {"flow": "nightly", "name": "main"}
    shop.send("POST", "/schedules/pause", asked, models.Switched)
    [one] = shop.get("/schedules", models.Schedules, flow="nightly")["schedules"]
    assert one["paused"] == "schedule"
    shop.send("POST", "/schedules/resume", asked, models.Switched)
    assert shop.get("/schedules")["schedules"][0]["paused"] is None
    assert shop.refused("POST", "/schedules/pause", asked | {"name": "x"})[0] == 404
    assert shop.refused("GET", "/schedules", flow="needy")[0] == 404


def test_previews_of_an_expression_and_of_flows(shop: Asking) -> None:
    found = shop.get("/schedules/preview", models.Preview, cron="30 2 * * *", next=2,
                     timezone="America/New_York", around="2026-03-08")  # fmt: skip
    assert [(one["local"], one["note"]) for one in found["occurrences"]] == [
        ("2026-03-07T02:30:00-05:00", None),
        ("2026-03-08T03:00:00-04:00", "02:30 does not exist on this night; runs at 03:00"),
    ]
    assert found["transitions"] or found["coming_transitions"]
    deployed = shop.get("/schedules/preview", models.Preview, flow="nightly", next=3)
    assert (deployed["flow"], len(deployed["occurrences"])) == ("nightly", 3)
    status, error = shop.refused("GET", "/schedules/preview", flow="needy")
    assert (status, error["what"]) == (404, "the flow 'needy' has no schedule")
    for query in ({}, {"flow": "nightly", "cron": "* * * * *"}, {"flow": "nightly", "name": "x"},
                  {"cron": "0 0 * * *", "around": "9999-12-31"}, {"cron": "x"}):  # fmt: skip
        assert shop.refused("GET", "/schedules/preview", **query)[0] in (400, 404)


def test_backfills_are_made_once_and_listed(shop: Asking, store: RunStore) -> None:
    first = instants.now().astimezone(UTC).date() - timedelta(days=10)
    asked = {"flow": "nightly", "start": str(first), "end": str(first + timedelta(days=2)),
             "parallel": 2}  # fmt: skip
    made = shop.send("POST", "/backfills", asked, models.Backfill, 201)
    assert (made["total"], made["made"], made["waiting"]) == (3, 3, 3)
    again = shop.send("POST", "/backfills", asked, models.Backfill, 200)
    assert (again["id"], again["made"], again["runs"]) == (made["id"], 0, made["runs"])
    more = asked | {"end": str(first + timedelta(days=3))}
    found = shop.send("POST", "/backfills", more, models.Backfill, 201)
    assert (found["made"], found["left_out"], found["filled_by"]) == (1, 3, [made["id"]])
    anew = shop.send("POST", "/backfills", asked | {"id": "anew"}, models.Backfill, 201)
    assert (anew["id"], anew["made"], anew["left_out"]) == ("anew", 3, 0)
    store.transition(made["runs"][0], [Change(None, StateType.RUNNING)])
    store.transition(made["runs"][0], [Change(None, StateType.FAILED)])
    one = shop.get("/backfills", models.Backfills)["backfills"][-1]
    assert (one["id"], one["schedule"], one["total"]) == (made["id"], "main", 3)
    assert (one["failed"], one["waiting"]) == (1, 2)
    assert datetime.fromisoformat(one["first"]).date() == first
    for wrong in ({"end": str(first - timedelta(days=1))}, {"start": "0001-01-01"},
                  {"start": "9999-12-31", "end": None}, {"name": "x"}):  # fmt: skip
        assert shop.refused("POST", "/backfills", asked | wrong)[0] in (400, 404)

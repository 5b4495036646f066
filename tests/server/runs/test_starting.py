"""Runs that are started over HTTP: written down for an agent, checked, made once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.service.project import Project
from orchestrator.service.running import execute_run
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Change
from tests.server.runs.conftest import Api


def test_an_agent_takes_a_run_that_was_started(api: Api, store: RunStore) -> None:
    run = api.post("/runs", {"flow": "nightly", "parameters": {"day": "2026-02-28"}}, 201)
    assert (run["state"], run["parameters"]) == ("Pending", {"day": "2026-02-28"})
    claimed = store.claim("agent", [], instants.now() + timedelta(minutes=1))
    assert claimed is not None
    assert claimed.id == run["run_id"]


def test_defaults_are_told(api: Api) -> None:
    run = api.post("/runs", {"flow": "nightly"}, 201)
    assert run["parameters"] == {"day": "2026-03-01"}


def test_a_started_run_runs(project: Project) -> None:
    with project.store() as store:
        api = Api(project, store)
        run_id = api.post("/runs", {"flow": "nightly", "parameters": {"day": "2026-02-28"}}, 201)[
            "run_id"
        ]
        assert execute_run(project, run_id).state.is_successful()
        found = api.get(f"/runs/{run_id}")
    assert found["counts"] == {"Success": 3}
    assert (project.root / "ran.txt").read_text().split() == ["load", "clean", "publish"]


def test_only_what_is_selected_runs(project: Project) -> None:
    with project.store() as store:
        api = Api(project, store)
        body = {"flow": "nightly", "options": {"select": ["load"]}}
        run_id = api.post("/runs", body, 201)["run_id"]
        assert execute_run(project, run_id).state.is_successful()
        assert [task["key"] for task in api.get(f"/runs/{run_id}")["tasks"]] == ["load"]


def test_one_key_makes_one_run(api: Api) -> None:
    body = {"flow": "nightly", "idempotency_key": "march"}
    first = api.post("/runs", body, 201)
    assert api.post("/runs", body, 200)["run_id"] == first["run_id"]
    header = {"Idempotency-Key": "march"}
    assert api.post("/runs", {"flow": "nightly"}, 200, **header)["run_id"] == first["run_id"]
    assert len(api.get("/runs")["runs"]) == 1


def test_two_keys_are_one_too_many(api: Api) -> None:
    header = {"Idempotency-Key": "april"}
    api.post("/runs", {"flow": "nightly", "idempotency_key": "march"}, 400, **header)


def test_a_key_is_of_one_flow(api: Api, project: Project) -> None:
    other = (project.root / "flows" / "nightly.py").read_text().replace('"nightly"', '"hourly"')
    (project.root / "flows" / "hourly.py").write_text(other)
    api.post("/runs", {"flow": "nightly", "idempotency_key": "march"}, 201)
    error = api.post("/runs", {"flow": "hourly", "idempotency_key": "march"}, 409)["error"]
    assert "nightly" in error["what"]


@pytest.mark.parametrize(
    ("first", "again", "other"),
    [
        ({}, {"day": "2026-03-01"}, {"day": "2026-03-02"}),
        ({"day": "2026-03-02"}, {"day": "2026-03-02"}, {}),
    ],
)
def test_a_key_is_of_one_set_of_parameters(
    api: Api, store: RunStore, first: Any, again: Any, other: Any
) -> None:
    body = {"flow": "nightly", "idempotency_key": "march"}
    made = api.post("/runs", {**body, "parameters": first}, 201)
    store.transition(made["run_id"], [Change(None, StateType.FAILED)])
    for same in (first, again):
        found = api.post("/runs", {**body, "parameters": same}, 200)
        assert (found["run_id"], found["state"]) == (made["run_id"], "Failed")
    error = api.post("/runs", {**body, "parameters": other}, 409)["error"]
    assert (error["kind"], error["where"]) == ("ConflictError", f"run {made['run_id']}")
    assert error["what"].endswith("with other parameters day before")
    assert "another key" in error["fix"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"options": {"select": ["a"]}}, "other include before"),
        ({"options": {"target": "prod"}}, "other options before"),
        ({"labels": ["gpu"]}, "other labels before"),
    ],
)
def test_a_key_is_of_one_selection_and_one_place(api: Api, other: Any, said: str) -> None:
    body = {"flow": "nightly", "idempotency_key": "march"}
    made = api.post("/runs", body, 201)
    assert api.post("/runs", body, 200)["run_id"] == made["run_id"]
    error = api.post("/runs", {**body, **other}, 409)["error"]
    assert error["what"].endswith(said)


def test_a_key_of_a_deployed_flow_goes_by_the_deployment_that_ran(
    api: Api, store: RunStore
) -> None:
    body = {"flow": "nightly", "idempotency_key": "march"}
    for number, day in enumerate(["2020-01-01", "2021-01-01"]):
        store.deploy(
            Deployment(f"d{number}", "shop", "nightly", "0a1b", "/no", parameters={"day": day})
        )
        made = api.post("/runs", body, 201 if number == 0 else 200)
        assert made["parameters"] == {"day": "2020-01-01"}
    api.post("/runs", {**body, "parameters": {"day": "2020-01-01"}}, 200)
    api.post("/runs", {**body, "parameters": {"day": "2021-01-01"}}, 409)


def test_a_key_goes_by_what_was_asked_for_not_by_what_a_default_became(
    api: Api, project: Project
) -> None:
    body = {"flow": "nightly", "idempotency_key": "march"}
    made = api.post("/runs", body, 201)
    kept = project.root / "flows" / "nightly.py"
    kept.write_text(kept.read_text().replace("date(2026, 3, 1)", "date(2026, 3, 12)"))
    assert api.get("/flows/nightly")["parameters"][0]["default"] == "2026-03-12"
    for same in ({}, {"day": "2026-03-01"}):
        again = api.post("/runs", {**body, "parameters": same}, 200)
        assert (again["run_id"], again["parameters"]) == (made["run_id"], {"day": "2026-03-01"})
    api.post("/runs", {**body, "parameters": {"day": "2026-03-12"}}, 409)


def test_a_key_of_a_flow_whose_module_is_gone(api: Api, store: RunStore) -> None:
    store.deploy(Deployment("d1", "shop", "bygone", "0a1b2c3d4e5f", "/nowhere"))
    body = {"flow": "bygone", "idempotency_key": "march", "parameters": {"n": 1}}
    made = api.post("/runs", body, 201)
    assert api.post("/runs", body, 200)["run_id"] == made["run_id"]
    assert "n" in api.post("/runs", {**body, "parameters": {"n": 2}}, 409)["error"]["what"]


def test_what_to_do_about_a_parameter_is_not_said_in_words_of_the_command_line_alone(
    api: Api,
) -> None:
    error = api.post("/runs", {"flow": "nightly", "parameters": {"day": "soon"}}, 422)["error"]
    assert (
        error["fix"]
        == "give it a value, such as day=2013-01-31; on the command line: -p day=2013-01-31"
    )


def test_a_deployed_flow_runs_at_its_version(api: Api, store: RunStore) -> None:
    deployed = store.deploy(
        Deployment(
            "d1", "shop", "nightly", "0a1b2c3d4e5f", "/nowhere", labels=("big",),
            parameters={"day": "2020-01-01"}, executor="inline",
        )
    )  # fmt: skip
    run = api.post("/runs", {"flow": "nightly", "labels": ["gpu"]}, 201)
    assert (run["deployment_id"], run["version"]) == (deployed.id, deployed.version)
    assert run["parameters"] == {"day": "2020-01-01"}
    assert run["options"]["executor"] == "inline"
    soon = instants.now() + timedelta(minutes=1)
    assert store.claim("agent", ["big"], soon) is None
    assert store.claim("agent", ["big", "gpu"], soon) is not None


def test_a_deployed_flow_whose_module_is_gone_can_be_started(api: Api, store: RunStore) -> None:
    store.deploy(Deployment("d1", "shop", "bygone", "0a1b2c3d4e5f", "/nowhere"))
    assert api.post("/runs", {"flow": "bygone"}, 201)["version"] == "0a1b2c3d4e5f"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"flow": "nigtly"}, 404, "nigtly"),
        ({"flow": "nightly", "parameters": {"day": "soon"}}, 422, "day"),
        ({"flow": "nightly", "parameters": {"night": 1}}, 422, "night"),
        ({"flow": "nightly", "parametres": {}}, 422, "parametres"),
        ({"flow": ""}, 422, "flow"),
        ({"flow": "nightly", "parameters": {"day": [[]] * 300_000}}, 422, "longer"),
        ({"flow": "nightly", "options": {"target": "a\nb"}}, 422, "target"),
        ({"flow": "nightly", "idempotency_key": ""}, 422, "idempotency_key"),
        ({}, 422, "flow"),
        ([], 422, "body"),
    ],
)
def test_what_does_not_fit_is_refused(api: Api, body: Any, status: int, said: str) -> None:
    answer = api.http.post("/api/v1/runs", json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]["what"]
    assert api.get("/runs")["runs"] == []


@pytest.mark.parametrize("text", ["{", "null", '{"flow": NaN}', "[" * 20_000, '"\\ud800"'])
def test_a_body_that_is_no_plain_json_is_refused(api: Api, text: str) -> None:
    answer = api.http.post(
        "/api/v1/runs", content=text, headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["what"]


def test_numbers_that_are_none_are_refused(api: Api) -> None:
    text = '{"flow": "nightly", "parameters": {"day": NaN}}'
    answer = api.http.post(
        "/api/v1/runs", content=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_check_of_the_flow_that_breaks_is_no_error_of_the_server(
    api: Api, project: Project
) -> None:
    (project.root / "flows" / "odd.py").write_text(
        "from orchestrator import Flow, Parameter, task\n"
        "@task\ndef load(day): return day\n"
        "with Flow('odd') as flow:\n"
        "    load(Parameter('day', validate=lambda value: 1 / 0))\n"
    )
    error = api.post("/runs", {"flow": "odd", "parameters": {"day": 1}}, 422)["error"]
    assert "ZeroDivisionError" in error["what"]


def test_a_flow_that_is_mended_is_checked_as_mended(api: Api, project: Project) -> None:
    file = project.root / "flows" / "nightly.py"
    api.post("/runs", {"flow": "nightly", "parameters": {"night": "2026-03-01"}}, 422)
    file.write_text(file.read_text().replace('Parameter("day"', 'Parameter("night"'))
    api.post("/runs", {"flow": "nightly", "parameters": {"night": "2026-03-01"}}, 201)
    file.write_text("import nothing_of_that_name\n")
    error = api.post("/runs", {"flow": "nightly"}, 400)["error"]
    assert "nothing_of_that_name" in error["what"]


def test_a_run_that_is_not_begun_says_who_wanted_it(api: Api, store: RunStore) -> None:
    run = api.post("/runs", {"flow": "nightly"}, 201)
    assert run["options"]["by"] == "local"
    assert store.run(run["run_id"]).state is StateType.PENDING

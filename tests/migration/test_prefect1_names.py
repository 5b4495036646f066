"""What Prefect 1 called so, and is here: states, the context, targets, secrets, executors."""

from __future__ import annotations

import logging
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import orchestrator as prefect
from orchestrator import Cache, Flow, Parameter, context, task
from orchestrator.cache_validators import all_inputs, all_parameters, never_use
from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.executors import InlineExecutor, LocalDaskExecutor, LocalExecutor, ThreadsExecutor
from orchestrator.model.context import RunContext, entered
from orchestrator.model.state import State, StateType
from orchestrator.results import GCSResult, LocalResult, S3Result
from orchestrator.secrets import EnvironmentSecrets, Masker, masker, provided_by
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run
from orchestrator.states import Cached, Failed, Finished, Pending, Skipped, Success, TimedOut
from tasks import EnvVarSecret, PrefectSecret, StartFlowRun

# -- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "kinds"),
    [
        (StateType.SUCCESS, {Success, Finished}),
        (StateType.CACHED, {Success, Cached, Finished}),
        (StateType.FAILED, {Failed, Finished}),
        (StateType.TIMED_OUT, {Failed, TimedOut, Finished}),
        (StateType.SKIPPED, {Skipped, Finished}),
        (StateType.RETRYING, {Pending}),
    ],
)
def test_a_state_is_of_its_kinds(type_: StateType, kinds: set[Any]) -> None:
    all_kinds = {Success, Cached, Failed, TimedOut, Skipped, Finished, Pending}
    assert {kind for kind in all_kinds if isinstance(State(type_), kind)} == kinds


def test_a_state_is_made_by_its_name() -> None:
    assert Failed("no file") == State(StateType.FAILED, "no file")
    assert Success(result=3).result == 3
    assert State(StateType.RETRYING).is_retrying()
    assert State(StateType.RETRYING).is_pending()
    assert State(StateType.CACHED).is_cached()
    assert not isinstance("Failed", Failed)


def test_a_handler_decides_by_the_kind_of_state(in_tmp: Path) -> None:
    def not_that_bad(flow: Any, old_state: State, new_state: State) -> State:
        return Success("not that bad") if isinstance(new_state, Failed) else new_state

    @task(state_handlers=[not_that_bad])
    def breaks() -> None:
        raise ValueError("it broke")

    with Flow("f") as flow:
        broken = breaks()
    assert flow.run(project=in_tmp).result[broken].message == "not that bad"


# -- the context ---------------------------------------------------------------------------------


def test_the_context_is_asked_by_key_and_by_attribute() -> None:
    with entered(RunContext("a1", "nightly", "load", parameters={"x": 1})):
        assert prefect.context["flow_name"] == context.flow_name == "nightly"
        assert prefect.context.parameters == {"x": 1}
        assert isinstance(prefect.context.logger, logging.Logger)
        with pytest.raises(KeyError):
            prefect.context["nonsense"]
    with pytest.raises(AttributeError, match="no 'today' here"):
        prefect.context.today  # noqa: B018
    assert not hasattr(context, "__wrapped__")


def test_the_context_travels_with_a_function() -> None:
    assert pickle.loads(pickle.dumps(context)) is context
    assert pickle.loads(cloudpickle.dumps(lambda: context))() is context


# -- results, targets, caches --------------------------------------------------------------------


def test_places_of_results() -> None:
    assert LocalResult().file("a.json") == "a.json"
    assert LocalResult("/{odd}").file("{task}.json") == "/{{odd}}/{task}.json"
    assert LocalResult("/x", location="{today}.json").file() == "/x/{today}.json"
    assert S3Result("acme").file().startswith("s3://acme/{flow}/{run_id}/")
    assert GCSResult("acme", location="a").file() == "gs://acme/a"
    with pytest.raises(FlowError, match="no folder"):
        LocalResult("/not/there", validate_dir=True)


def test_what_a_task_says_of_its_result() -> None:
    @task(checkpoint=True, result=LocalResult("/x"), target="{task}-{day}.json")
    def one(day: str) -> str:
        return day

    @task(checkpoint=False, result="a.json")
    def two() -> None: ...

    @task(checkpoint=True)
    def three() -> None: ...

    assert (one.lies_at, one.result, one.persist) == ("/x/{task}-{day}.json",) * 2 + (False,)
    assert (two.lies_at, two.result, two.persist) == (None, None, False)
    assert (three.lies_at, three.result, three.persist) == (None, None, True)
    assert three.copy(result=S3Result("b", location="c")).result == "s3://b/c"
    with pytest.raises(FlowError, match="cannot be the name of a result"):
        task(result="a.json", target="b.json")(lambda: 1)


def test_earlier_results_by_time_and_validator() -> None:
    hour = timedelta(hours=1)
    assert task(cache_for=hour)(lambda: 1).cache == Cache(by=(), expires=hour)
    assert task(cache_for=hour, cache_validator=all_inputs)(lambda: 1).cache.by == ("inputs",)
    assert task(cache_for=hour, cache_validator=all_parameters)(lambda: 1).cache.by == (
        "parameters",
    )
    assert task(cache_for=hour, cache_validator=never_use)(lambda: 1).cache is None


@pytest.mark.parametrize("name", ["model.json", "model.pickle", "model"])
def test_what_lies_at_the_target_is_the_result(in_tmp: Path, name: str) -> None:
    ran = []

    @task(result=LocalResult("kept"), target="{version}-" + name)
    def train(version: str) -> dict[str, Any]:
        ran.append(version)
        return {"version": version}

    @task
    def use(model: dict[str, Any]) -> str:
        return str(model["version"])

    with Flow("models") as flow:
        used = use(train(Parameter("version", default="v1")))

    def run(**parameters: str) -> tuple[str, str]:
        states = flow.run(parameters=parameters, project=in_tmp).result
        return states["train"].type.value, states[used].result

    assert run() == ("Success", "v1")
    assert run() == ("Cached", "v1")
    assert run(version="v2") == ("Success", "v2")
    assert ran == ["v1", "v2"]

    file = in_tmp / "kept" / f"v1-{name}"
    file.write_bytes(b"\x80 nothing that can be read")
    assert run() == ("Success", "v1"), "it is made again"
    file.unlink()
    assert run() == ("Success", "v1")
    assert run() == ("Cached", "v1")


GOES_ON = """
from pathlib import Path
from orchestrator import Flow, task
from orchestrator.results import LocalResult

@task(result=LocalResult("."), target="one.json")
def one():
    raise AssertionError("it is there")

@task
def two(values):
    if not Path("mended").exists():
        raise ValueError("not yet")
    return sum(values)

with Flow("goes_on") as flow:
    two(one())
"""


def test_a_run_goes_on_from_what_lay_at_its_target(in_tmp: Path) -> None:
    (in_tmp / "one.json").write_text("[1, 2]")
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "goes_on.py").write_text(GOES_ON)
    project = Project.find(in_tmp)
    assert not project.flow("goes_on").run(project=in_tmp).is_successful()
    (in_tmp / "mended").touch()
    assert retry_run(project, "latest").state.is_successful()


# -- secrets, executors, flows of flows ----------------------------------------------------------


def test_a_secret_masks_itself_wherever_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    with provided_by(EnvironmentSecrets({"ORCHESTRATOR_SECRET_PW": "correct horse"})):
        value = PrefectSecret("PW").run()
    data = pickle.dumps(value)
    monkeypatch.setattr("orchestrator.secrets._masker", Masker())  # as in another process
    assert pickle.loads(data) == "correct horse"
    assert masker().mask("it is correct horse") == "it is ***"


def test_secrets_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "5432")
    monkeypatch.delenv("NOT_SET", raising=False)
    assert EnvVarSecret("PORT", cast=int).run() == 5432
    assert EnvVarSecret("NOT_SET").run() is None
    with pytest.raises(ConfigurationError, match="NOT_SET"):
        EnvVarSecret("NOT_SET", raise_if_missing=True).run()


def test_executors() -> None:
    assert LocalExecutor is InlineExecutor
    assert isinstance(LocalDaskExecutor(num_workers=3), ThreadsExecutor)
    assert LocalDaskExecutor("synchronous").threads == 1
    with pytest.raises(FlowError, match="DaskExecutor"):
        LocalDaskExecutor("processes")


def test_a_run_of_no_flow_is_refused() -> None:
    with pytest.raises(FlowError, match="names no flow"):
        StartFlowRun(project_name="shop").run()


def test_results_are_asked_for_by_task(in_tmp: Path) -> None:
    @task
    def double(x: int) -> int:
        return 2 * x

    with Flow("f") as flow:
        one, many = double(4), double.map([1, 2])
    states = flow.run(project=in_tmp).result
    assert (states[one].result, states["double"].result) == (8, 8)
    assert states[many].result == [2, 4]
    assert one in states
    assert double not in states
    assert states.get(double) is None
    assert pickle.loads(pickle.dumps(states)) == dict(states)

"""Every store keeps deployments for good, knows which is current, and who changed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import DeployedFlow
from tests.store.service_rows import NOON, SCHEDULE, deployment


def test_a_deployment_comes_back_as_it_was_given_with_its_number(store: RunStore) -> None:
    given = deployment(
        commit="c0ffee", parameters={"n": 3}, labels=("gpu", "big"), executor="dask",
        environment={"kind": "docker", "image": "a:1"}, created_by="ada",
    )  # fmt: skip
    kept = store.deploy(given)
    assert kept == replace(given, number=1, labels=("big", "gpu"))
    assert store.deployment("d1") == store.current("shop", "nightly") == kept
    assert store.deployments() == (kept,)


def test_each_deployment_has_the_next_number_and_is_current(store: RunStore) -> None:
    for name, version in (("d1", "aa"), ("d2", "bb"), ("d3", "aa")):
        store.deploy(deployment(name, version))
    assert [(one.id, one.number) for one in store.deployments("shop", "nightly")] == [
        ("d3", 3), ("d2", 2), ("d1", 1),
    ]  # fmt: skip
    assert store.deployed() == (DeployedFlow("shop", "nightly", "d3", 3),)
    assert [one.id for one in store.deployments(ids=["d2", "none"])] == ["d2"]
    assert store.deployments("other") == () == store.deployed("other")


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "bb"},
        {"schedules": ()},
        {"parameters": {"n": 1}},
        {"labels": ("gpu",)},
        {"executor": "dask"},
        {"environment": {"kind": "docker"}},
    ],
)
def test_only_what_says_something_else_is_a_new_deployment(
    store: RunStore, changed: dict[str, object]
) -> None:
    first = store.deploy(deployment())
    same = store.deploy(deployment("d2", created=NOON + timedelta(days=1), commit="other"))
    assert same == first
    assert store.deploy(replace(deployment("d3"), **changed)).number == 2
    assert [one.action for one in store.audit()] == ["deploy", "deploy"]


def test_rolling_back_and_forth(store: RunStore) -> None:
    store.deploy(deployment())
    store.deploy(deployment("d2", "bb"))
    assert store.rollback("shop", "nightly", 1, by="ada").id == "d1"
    assert store.current("shop", "nightly").id == "d1"
    assert store.rollback("shop", "nightly", 2).id == "d2"
    last, before, *_ = store.audit("shop", "nightly")
    assert (before.action, before.by, before.data) == (
        "rollback", "ada", {"number": 1, "version": "aa"},
    )  # fmt: skip
    assert last.id > before.id
    with pytest.raises(NotFoundError, match="no deployment 7") as error:
        store.rollback("shop", "nightly", 7)
    assert error.value.fix == "it has 2, 1"


def test_a_schedule_goes_on_where_it_stands_in_the_next_version(store: RunStore) -> None:
    store.deploy(deployment())
    later = NOON + timedelta(days=2)
    store.occur(SCHEDULE, [], [], later)
    store.pause("shop", "nightly", schedule="main")
    both = ({"name": "main"}, {"name": "weekly"})
    store.deploy(deployment("d2", "bb", schedules=both, created=NOON + timedelta(days=3)))
    main, weekly = store.schedule_states("shop")
    assert (main.id, main.paused, main.evaluated) == (SCHEDULE, True, later)
    assert (weekly.name, weekly.paused) == ("weekly", False)
    assert weekly.evaluated == NOON + timedelta(days=3)
    store.rollback("shop", "nightly", 1)
    assert [one.id for one in store.schedule_states()] == [SCHEDULE]


def test_pausing_a_flow_and_one_of_its_schedules(store: RunStore) -> None:
    store.deploy(deployment())
    store.pause("shop", "nightly", by="ada")
    assert [one.paused for one in store.deployed()] == [True]
    assert [one.paused for one in store.schedule_states()] == [False]
    store.deploy(deployment("d2", "bb"))
    assert [one.paused for one in store.deployed()] == [True], "a new version stays paused"
    store.resume("shop", "nightly")
    store.pause("shop", "nightly", schedule="main")
    assert [one.paused for one in store.deployed()] == [False]
    assert [one.paused for one in store.schedule_states()] == [True]
    store.resume("shop", "nightly", schedule="main")
    assert [one.paused for one in store.schedule_states()] == [False]
    with pytest.raises(NotFoundError, match="no schedule 'x'") as error:
        store.pause("shop", "nightly", schedule="x")
    assert error.value.fix == "its schedules: main"


def test_a_deleted_flow_is_out_of_service_until_it_is_deployed_again(store: RunStore) -> None:
    store.deploy(deployment())
    store.pause("shop", "nightly")
    store.delete("shop", "nightly", by="ada")
    assert [one.deleted for one in store.deployed()] == [True]
    assert store.schedule_states() == ()
    assert store.deployment("d1").version == "aa"
    for act in (store.pause, store.resume, store.delete, store.current):
        with pytest.raises(NotFoundError, match="was deleted"):
            act("shop", "nightly")
    again = store.deploy(deployment("d2", created=NOON + timedelta(days=9)))
    assert again.number == 2
    assert store.deployed() == (DeployedFlow("shop", "nightly", "d2", 2),)
    assert [one.evaluated for one in store.schedule_states()] == [NOON + timedelta(days=9)]


def test_what_cannot_be_deployed(store: RunStore) -> None:
    store.deploy(deployment())
    with pytest.raises(StoreError, match="kept already"):
        store.deploy(deployment("d1", "bb"))
    with pytest.raises(StoreError, match="JSON"):
        store.deploy(deployment("d2", parameters={"n": {1}}))
    with pytest.raises(StoreError, match="named"):
        store.deploy(deployment("d2", schedules=({"name": "a"}, {"name": "a"})))
    with pytest.raises(NotFoundError, match="'weekly' is not deployed"):
        store.current("shop", "weekly")
    for act in (store.current, store.pause):
        with pytest.raises(NotFoundError) as error:
            act("shop", "nightli")
        assert error.value.fix.startswith("did you mean 'nightly'?")
    with pytest.raises(NotFoundError, match="no deployment 'zz'"):
        store.deployment("zz")
    assert len(store.deployments()) == 1


def test_the_deployment_before(store: RunStore) -> None:
    for number in range(3):
        store.deploy(deployment(f"d{number}", f"v{number}"))
    store.deploy(replace(deployment("other"), flow="weekly"))
    found = store.previous(["d0", "d1", "d2", "other", "nobody"])
    assert {key: one.id for key, one in found.items()} == {"d1": "d0", "d2": "d1"}
    assert found["d1"] == store.deployment("d0")
    assert store.previous([]) == {}

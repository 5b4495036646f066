"""``slack_notifier`` as a state handler: as Prefect 1's, but that it holds up and fails nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, task
from orchestrator.errors import ConfigurationError
from orchestrator.model.state import State, StateType
from orchestrator.notifications import slack_notifier
from orchestrator.service.notify import handing
from orchestrator.service.project import Project
from orchestrator.store.outbox import Delivery
from tests.notify.receivers import Receiver

S = StateType


@pytest.fixture
def slack(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, in_tmp: Path) -> Receiver:
    monkeypatch.setenv("ORCHESTRATOR_SECRET_SLACK_WEBHOOK_URL", receiver.url)
    return receiver


def test_a_task_and_a_flow_tell_slack(slack: Receiver, in_tmp: Path) -> None:
    @task(state_handlers=[slack_notifier(only_states=["Failed"])])
    def load() -> None:
        raise ValueError("<!channel> & more")

    with Flow("nightly", state_handlers=[slack_notifier(ignore_states=["Running"])]) as flow:
        load()
    assert flow.run(project=in_tmp).is_failed()
    texts = {body["text"].splitlines()[0]: body["text"] for body in slack.bodies()}
    assert set(texts) == {"*load: Failed*", "*nightly: Failed*"}
    assert "&lt;!channel&gt; &amp; more" in texts["*load: Failed*"]
    assert "flow nightly, run " in texts["*load: Failed*"]
    with Project.find(in_tmp).store() as store:
        found = store.outbox()
        assert {each.state for each in found} == {Delivery.SENT}
        assert {each.run_id for each in found} == {store.run("latest").id}
        assert {each.target.partition("/")[2] for each in found} == {"slack:SLACK_WEBHOOK_URL"}


def test_without_a_secret_the_run_goes_on_and_the_outbox_says_why(in_tmp: Path) -> None:
    @task(state_handlers=[slack_notifier(webhook_secret="NOT_SET")])
    def load() -> int:
        return 1

    with Flow("nightly") as flow:
        load()
    assert flow.run(project=in_tmp).is_successful()
    with Project.find(in_tmp).store() as store:
        assert {each.error for each in store.outbox()} == {"secret 'NOT_SET' is not set"}
        assert {each.payload["state"] for each in store.outbox()} == {"Running", "Success"}


@pytest.mark.parametrize(
    ("given", "state", "told"),
    [
        ({}, S.SUCCESS, True),
        ({"only_states": [S.FAILED]}, S.SUCCESS, False),
        ({"only_states": ["Failed"]}, S.TIMED_OUT, True),
        ({"ignore_states": ["Success"]}, S.CACHED, False),
        ({"ignore_states": ["Success"]}, S.FAILED, True),
        ({"only_states": []}, S.FAILED, False),
    ],
)
def test_which_states(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], state: StateType, told: bool
) -> None:
    sent: list[tuple[str, object]] = []
    monkeypatch.setattr(
        "orchestrator.notifications.hand_to_slack", lambda secret, payload: sent.append(payload)
    )
    new = State(state, "as it is")
    curried = slack_notifier(**given)
    assert curried(Flow("n"), State(S.RUNNING), new) is new
    assert slack_notifier(Flow("n"), State(S.RUNNING), new, **given) is new
    assert len(sent) == (2 if told else 0)


def test_a_word_that_is_no_state_is_an_error_where_the_flow_is_defined() -> None:
    with pytest.raises(ConfigurationError, match="Faild"):
        slack_notifier(only_states=["Faild"])


def test_a_worker_without_a_store_sends_from_a_thread_and_tries_again(
    slack: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "_WAITS", (0.0, 0.0, 0.0, 0.0))
    slack.behaviour = "error"
    slack_notifier(Flow("n"), State(S.RUNNING), State(S.FAILED))
    slack.wait(5)
    slack.behaviour = "ok"
    slack_notifier(Flow("n"), State(S.RUNNING), State(S.FAILED))
    slack.wait(1)
    for thread in list(handing._on_their_way):
        thread.join(30)
        assert thread is not threading.current_thread()
    assert len(slack.got) == 6

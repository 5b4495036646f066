"""Notify and SlackTask: messages reach real receivers, by name or address, and failures are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, InlineExecutor, task
from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.notifications import verify_webhook
from orchestrator.secrets import EnvironmentSecrets, provided_by
from orchestrator.service.notify.addresses import DeliveryError
from orchestrator.service.project import Project
from tasks import Notify, SlackTask
from tests.notify.receivers import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def project(folder: Path, **targets: str) -> Path:
    tables = [f'[notifications.{name}]\nurl = "{url}"\n' for name, url in targets.items()]
    (folder / "orchestrator.toml").write_text("\n".join(tables))
    return folder


def run(folder: Path, notify: Notify, **arguments: Any) -> Any:
    with Flow("nightly") as flow:
        notify(**arguments)
    return flow.run(executor=InlineExecutor(), project=folder)


def test_a_message_goes_to_a_named_target(
    in_tmp: Path, receiver: Receiver, other: Receiver
) -> None:
    folder = project(in_tmp, team=receiver.url, boss=other.url)
    state = run(folder, Notify("all tables are there", to="team", name="tell"))
    assert state.is_successful(), state.result
    with Project.find(in_tmp).store() as store:
        (row,) = store.task_runs(store.run("latest").id)
    assert row.result == {"value": ["team"]}
    (body,) = receiver.bodies()
    assert (body["title"], body["message"]) == ("nightly", "all tables are there")
    assert (body["flow"], body["task"], body["project"]) == ("nightly", "tell", in_tmp.name)
    assert body["run_id"]
    assert other.got == []


def test_left_out_it_goes_to_all_and_a_run_gives_the_text(
    in_tmp: Path, receiver: Receiver, other: Receiver
) -> None:
    folder = project(in_tmp, team=receiver.url, boss=other.url)

    @task
    def counted() -> int:
        return 7

    with Flow("nightly") as flow:
        rows = counted()

        @task
        def text(rows: int) -> str:
            return f"{rows} rows"

        Notify(title="rows of today", name="tell")(text(rows))
    assert flow.run(executor=InlineExecutor(), project=folder).is_successful()
    for found in (receiver, other):
        assert [(b["title"], b["message"]) for b in found.bodies()] == [("rows of today", "7 rows")]


def test_an_unknown_target_is_told_before_anything_runs(in_tmp: Path, receiver: Receiver) -> None:
    with pytest.raises(ConfigurationError, match=r"no \[notifications\.taem\]") as caught:
        run(project(in_tmp, team=receiver.url), Notify("x", to="taem"))
    assert caught.value.fix == "did you mean 'team'?"
    with pytest.raises(ConfigurationError, match="names nobody to tell"):
        run(project(in_tmp), Notify("x"))


def test_addresses_may_be_secrets_and_webhooks_signed(receiver: Receiver) -> None:
    url = receiver.url + "/canary-9a7b"
    known = {"ORCHESTRATOR_SECRET_HOOK": url, "ORCHESTRATOR_SECRET_SIGN": "s3same-s3same"}
    with provided_by(EnvironmentSecrets(known)):
        told = Notify("done", "title", to="secret:HOOK", signing_secret="secret:SIGN")
        assert told.run() == ["address"]
        assert "canary" not in repr(vars(told))
    headers, body = receiver.got[0]
    assert verify_webhook("s3same-s3same", headers, body)
    with provided_by(EnvironmentSecrets({})), pytest.raises(ConfigurationError, match="not set"):
        told.run()


def test_slack_gets_a_text_that_calls_nobody(receiver: Receiver) -> None:
    known = {"ORCHESTRATOR_SECRET_SLACK_WEBHOOK_URL": receiver.url}
    with provided_by(EnvironmentSecrets(known)):
        SlackTask("<!channel> 3 rows & more", title="riders").run()
    text = receiver.bodies()[0]["text"]
    assert text.startswith("*riders*\n&lt;!channel&gt; 3 rows &amp; more\n")


def test_a_receiver_that_is_away_is_tried_again(in_tmp: Path, receiver: Receiver) -> None:
    receiver.behaviour = "error"
    notify = Notify("x", to=receiver.url, max_retries=2, retry_delay=0, name="tell")
    state = run(in_tmp, notify)
    assert (
        state.result["tell"].message == "address was not told: answered 500 Internal Server Error"
    )
    assert len(receiver.got) == 3
    names = {headers["Orchestrator-Id"] for headers, _ in receiver.got}
    assert len(names) == 1, "a receiver can tell that it is the same message"
    assert Notify("x").retry.max_retries == 3


def test_a_setting_that_is_wrong_is_not_tried_again(in_tmp: Path) -> None:
    state = run(in_tmp, Notify("x", to="secret:NOT_SET_ANYWHERE", name="tell"))
    assert "is not set" in state.result["tell"].message
    with Project.find(in_tmp).store() as store:
        assert len(list(store.attempts(store.run("latest").id))) == 1


def test_one_that_is_away_does_not_keep_the_others_from_hearing(
    receiver: Receiver, other: Receiver
) -> None:
    receiver.behaviour = "error"
    with pytest.raises(DeliveryError, match="address was not told") as caught:
        Notify("x", to=[receiver.url + "/canary-key", other.url]).run()
    assert len(other.got) == 1
    assert "canary" not in str(caught.value)


def test_at_the_end_of_a_flow_that_failed(in_tmp: Path, receiver: Receiver) -> None:
    @task
    def broken() -> None:
        raise RuntimeError("no data")

    with Flow("nightly") as flow:
        end = Notify("it is over", to=receiver.url, trigger="all_finished", name="tell")
        end(upstream_tasks=[broken()])
    assert flow.run(executor=InlineExecutor(), project=in_tmp).is_failed()
    assert len(receiver.got) == 1


def test_nothing_to_say_and_unknown_formats_are_refused(receiver: Receiver) -> None:
    for message in (None, "", " \n"):
        with pytest.raises(FlowError, match="nothing to say"):
            Notify(message, to=receiver.url).run()
    with pytest.raises(FlowError, match="format='teams'"):
        Notify("x", to=receiver.url, format="teams")
    assert receiver.got == []

"""What programs do: start a run on a real server, follow it, mend it, stop it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orchestrator.client import Client
from orchestrator.errors import (
    ConflictError,
    InfrastructureError,
    NotFoundError,
    ParameterError,
    UsageError,
)
from tests.client.conftest import Server


def test_a_run_is_started_and_waited_for(client: Client) -> None:
    run = client.runs.create("nightly", {"lines": 2})
    assert run["state"] == "Pending"
    ended = client.runs.wait(run["run_id"], timeout=60)
    assert (ended["state"], ended["counts"]) == ("Success", {"Success": 2})
    assert [task["key"] for task in ended["tasks"]] == ["load", "clean"]
    assert [edge["upstream"] for edge in client.runs.graph(run["run_id"])["edges"]] == ["load"]
    assert client.runs.timeline(run["run_id"])["critical_path"] == ["load", "clean"]
    assert client.runs.task(run["run_id"], "load")["failure"] is None
    kinds = [event["kind"] for event in client.runs.events(run["run_id"])]
    assert kinds[0] == "created"
    assert client.runs.history("nightly", "load", last=1)["history"][0]["run_id"] == run["run_id"]
    assert client.runs.compare(run["run_id"], run["run_id"])["tasks"][0]["key"] == "load"


def test_one_key_makes_one_run(client: Client) -> None:
    first = client.runs.create("nightly", idempotency_key="customer 4711")
    again = client.runs.create("nightly", idempotency_key="customer 4711")
    assert again["run_id"] == first["run_id"]
    other = client.runs.create("nightly")
    assert other["run_id"] != first["run_id"]
    for run in (first, other):
        client.runs.wait(run["run_id"], timeout=60)


def test_a_failed_run_is_finished(client: Client, broken: Path) -> None:
    run_id = client.runs.create("nightly", {"lines": 1})["run_id"]
    assert client.runs.wait(run_id, timeout=60)["state"] == "Failed"
    failure = client.runs.task(run_id, "clean")["failure"]
    assert "no rows" in failure["message"]
    broken.unlink()
    retry = client.runs.retry(run_id)
    ended = client.runs.wait(retry["run_id"], timeout=60)
    assert (ended["state"], ended["retry_of"]) == ("Success", run_id)
    assert [task["key"] for task in ended["tasks"]] == ["clean"]


def test_a_task_is_marked(client: Client, broken: Path) -> None:
    run_id = client.runs.create("nightly", {"lines": 1})["run_id"]
    client.runs.wait(run_id, timeout=60)
    done = client.runs.mark(run_id, "clean", "Success", reason="by hand")
    assert (done["tasks"], done["now"]) == (["clean"], False)
    retry = client.runs.wait(client.runs.retry(run_id)["run_id"], timeout=60)
    assert retry["state"] == "Success"
    assert retry["tasks"] == []


def test_a_run_is_stopped(client: Client, wait: Path) -> None:
    run_id = client.runs.create("nightly")["run_id"]
    for line in client.runs.logs(run_id, follow=True, level="WARNING"):
        assert line["text"] == "waits"
        break
    with pytest.raises(InfrastructureError, match="has not ended"):
        client.runs.wait(run_id, timeout=0)
    assert client.runs.cancel(run_id, reason="wrong day")["now"] is True
    ended = client.runs.wait(run_id, timeout=60)
    assert ended["state"] == "Cancelled"
    assert ended["requests"][0]["data"] == {"reason": "wrong day"}


def test_pages_are_asked_for_as_they_are_needed(client: Client) -> None:
    made = client.runs.create("nightly")
    client.runs.wait(made["run_id"], timeout=60)
    every = list(client.runs.list(flow="nightly"))
    assert every[0]["run_id"] == made["run_id"]
    assert [run["run_id"] for run in client.runs.list(most=1)] == [made["run_id"]]
    assert {run["state"] for run in client.runs.list(state="Success")} == {"Success"}
    assert list(client.runs.list(flow="nope")) == []


def test_the_log_is_read_in_pieces(client: Client) -> None:
    run_id = client.runs.create("nightly", {"lines": 30})["run_id"]
    client.runs.wait(run_id, timeout=60)
    said = [line["text"] for line in client.runs.logs(run_id, "load", search="LINE")]
    assert said == [f"line {number}" for number in range(30)]
    assert [line["text"] for line in client.runs.logs(run_id, "load", tail=2)][-1] == "line 29"
    assert "line 29" in "".join(client.runs.download(run_id))
    followed = [line["text"] for line in client.runs.logs(run_id, "load", follow=True)]
    assert [text for text in followed if text.startswith("line")] == said


def test_errors_are_those_of_the_project(client: Client) -> None:
    with pytest.raises(NotFoundError, match="zz"):
        client.runs.get("zz")
    with pytest.raises(NotFoundError, match="nope"):
        client.runs.create("nope")
    with pytest.raises(ParameterError, match="lines") as caught:
        client.runs.create("nightly", {"lines": "many"})
    assert caught.value.fix
    run_id = client.runs.create("nightly")["run_id"]
    client.runs.wait(run_id, timeout=60)
    with pytest.raises(ConflictError, match="ended already"):
        client.runs.cancel(run_id)
    with pytest.raises(NotFoundError):
        list(client.runs.logs("zz", follow=True))
    with pytest.raises(UsageError):
        client.runs.get("../flows")


def test_the_other_rooms_answer(client: Client) -> None:
    assert client.me()["project"] == "shop"
    assert [flow["name"] for flow in client.flows.list()] == ["nightly"]
    assert client.flows.get("nightly")["parameters"][0]["name"] == "lines"
    preview = client.schedules.preview(cron="30 2 * * *", timezone="Europe/Berlin", next=3)
    assert len(preview["occurrences"]) == 3
    assert client.deployments.list() == {"deployments": []}
    assert client.schedules.list() == []
    assert client.datasets.list() == []
    assert client.limits() == {"limits": []}
    with pytest.raises(NotFoundError):
        client.flows.get("<script>/..")
    with pytest.raises(NotFoundError):
        client.deployments.pause("nightly")


def test_a_server_that_dies_in_mid_stream_is_taken_up_again(another: Server, wait: Path) -> None:
    """No line is lost and none comes twice, although the server is gone for a while."""
    seen, thread = [], threading.Thread(target=lambda: _restart(another, wait))
    with Client(f"http://127.0.0.1:{another.port}") as client:
        run_id = client.runs.create("nightly", {"lines": 5})["run_id"]
        for line in client.runs.logs(run_id, follow=True):
            seen.append(line["seq"])
            if line["text"] == "waits" and not thread.ident:
                thread.start()
        thread.join(60)
        assert thread.ident
        assert seen == [line["seq"] for line in client.runs.logs(run_id)]
        assert seen == list(range(1, len(seen) + 1))


def _restart(server: Server, wait: Path) -> None:
    server.kill()
    server.start()
    wait.unlink()

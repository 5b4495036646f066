"""WaitForHttp: what it waits for, what ends it early, when it gives up."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from tasks.http.errors import HttpRefusedError
from tasks.http.wait import WaitedInVainError, WaitForHttp
from tests.http.site import Answer, Asked, Site


def wait(site: Site, **arguments: Any) -> Any:
    arguments = {"interval": 0.01, "timeout": 20, **arguments}
    return WaitForHttp(f"{site.url}/job", **arguments).run()


def test_it_waits_for_a_value(site: Site) -> None:
    site.page(
        "/job", Answer(b"", 404), Answer(b"", 503), Answer({"state": "running"}),
        Answer(b"no json"), Answer({"state": "done", "rows": 3}),
    )  # fmt: skip
    result = wait(site, path="state", equals=["done", "empty"], fails=["failed"])
    assert result.value == {"state": "done", "rows": 3}
    assert result.message == "so it is, at look 5"


def test_it_waits_for_a_status_or_a_function(site: Site) -> None:
    site.page("/job", Answer(b"", 202), Answer(b"ok"))
    assert wait(site, status=200).value == "ok"
    site.page("/job", Answer({"ready": False}), Answer({"ready": True}))
    assert wait(site, path="ready").value == {"ready": True}
    site.page("/job", Answer([1]), Answer([1, 2]))
    assert wait(site, until=lambda seen: len(seen.body) == 2).value == [1, 2]


def test_it_ends_at_a_value_that_says_failed(site: Site) -> None:
    site.page("/job", Answer({"job": {"state": "failed"}}))
    with pytest.raises(HttpRefusedError, match=r"job\.state is 'failed'"):
        wait(site, path="job.state", equals="done", fails=["failed"])


def test_it_does_not_wait_for_what_is_forbidden(site: Site) -> None:
    site.page("/job", Answer({"error": "who are you?"}, 401))
    with pytest.raises(HttpRefusedError, match=r"answered 401 Unauthorized: .*who are you"):
        wait(site)
    assert len(site.asked) == 1


def test_it_gives_up_and_tells_the_last_answer(site: Site) -> None:
    site.page("/job", Answer({"state": "running"}))
    with pytest.raises(WaitedInVainError, match=r"not so after 0.05 s .* state is 'running'"):
        wait(site, path="state", equals="done", timeout=0.05)
    with pytest.raises(WaitedInVainError, match="no answer"):
        WaitForHttp("http://127.0.0.1:9/", interval=0.01, timeout=0.05).run()


def test_a_cancelled_attempt_stops_waiting(site: Site) -> None:
    running = context.RunContext("r", "f", "t")

    def page(asked: Asked) -> Answer:
        running.cancelled.set()
        return Answer(b"", 404)

    site.pages["/job"] = page
    with context.entered(running), pytest.raises(FAIL, match="cancelled"):
        wait(site, interval=60)


def test_two_conditions() -> None:
    with pytest.raises(FlowError, match="two conditions"):
        WaitForHttp("http://127.0.0.1:9/", until=bool, path="x")

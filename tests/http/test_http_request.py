"""HttpRequest: what it returns, what it tries again, what it never shows."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow
from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from orchestrator.secrets import EnvironmentSecrets, provided_by
from tasks.http import answers
from tasks.http.ask import HttpRequest
from tasks.http.errors import HttpRefusedError, HttpUnavailableError
from tasks.http.masking import shown
from tests.http.certificate import self_signed
from tests.http.site import Answer, Asked, Site, serving

TOKEN = "t0p-secret-token"


def value(task: HttpRequest, **arguments: Any) -> Any:
    return task.run(**arguments).value


def test_what_it_fetches(site: Site) -> None:
    site.page("/rates", Answer({"EUR": 1.1}, headers={"X-Page": "1"}))
    url = f"{site.url}/rates"
    assert value(HttpRequest(url)) == {"EUR": 1.1}
    assert value(HttpRequest(url, fetch="text")) == '{"EUR": 1.1}'
    assert value(HttpRequest(url, fetch="bytes")) == b'{"EUR": 1.1}'
    assert value(HttpRequest(url, fetch="none")) is None
    answer = value(HttpRequest(url, fetch="answer"))
    assert (answer["status"], answer["headers"]["x-page"]) == (200, "1")
    assert HttpRequest(url).run().message == "200 OK, 12 bytes"


def test_what_it_sends(site: Site) -> None:
    site.page("/in", Answer(b"", 204))
    task = HttpRequest(
        f"{site.url}/in?a=1", method="post", params={"b": [2, 3], "c": None}, json={"x": "ä"},
        headers={"X-Team": "data"}, auth=("me", "pass word"),
    )  # fmt: skip
    assert value(task) is None
    (asked,) = site.asked
    assert (asked.method, asked.query) == ("POST", {"a": ["1"], "b": ["2", "3"]})
    assert asked.headers["x-team"] == "data"
    assert asked.headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert asked.body.decode() == '{"x":"ä"}'
    value(HttpRequest(f"{site.url}/in", method="POST", data={"a": "b c"}))
    assert site.asked[-1].body == b"a=b+c"


def test_secrets_are_fetched_when_it_runs_and_shown_nowhere(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.pages["/in"] = lambda asked: Answer(
        {"you sent": asked.headers["authorization"], "and": asked.one("api_key")}, 401
    )
    caplog.set_level(logging.INFO)
    task = HttpRequest(
        f"{site.url}/in", auth="secret:API", params={"api_key": "key-{secret:API}", "page": 1}
    )
    assert TOKEN not in repr(vars(task))
    secrets = EnvironmentSecrets({"ORCHESTRATOR_SECRET_API": TOKEN})
    with provided_by(secrets), pytest.raises(HttpRefusedError, match="answered 401") as raised:
        task.run()
    assert site.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert site.asked[0].one("api_key") == f"key-{TOKEN}"
    assert TOKEN not in str(raised.value)
    assert "you sent" in str(raised.value), "the server's words are shown"
    assert "page=1" in caplog.text
    assert TOKEN not in caplog.text


def test_a_token_written_as_it_is_in_the_url_is_masked(site: Site) -> None:
    site.pages["/in"] = lambda asked: Answer({"bad token": asked.one("token")}, 403)
    with pytest.raises(HttpRefusedError) as raised:
        HttpRequest(f"{site.url}/in?token=plain-written&page=2").run()
    assert "plain-written" not in str(raised.value)
    assert "token=***&page=2" in str(raised.value)
    assert shown("/x?next_page_token=abcdefgh") == "/x?next_page_token=abcdefgh"
    assert (
        shown("https://u:p@h/x?X-Amz-Signature=abc&q=1")
        == "https://***@h/x?X-Amz-Signature=***&q=1"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, HttpRefusedError), (404, HttpRefusedError), (429, HttpUnavailableError), (500, HttpUnavailableError),
     (503, HttpUnavailableError), (304, HttpRefusedError)],
)  # fmt: skip
def test_what_is_worth_another_try(site: Site, status: int, kind: type[Exception]) -> None:
    site.page("/x", Answer(b"", status))
    with pytest.raises(kind) as raised:
        HttpRequest(f"{site.url}/x").run()
    assert raised.value.status_code == status  # type: ignore[attr-defined]


def test_a_status_may_be_accepted(site: Site) -> None:
    site.page("/x", Answer({"error": "none"}, 404))
    assert value(HttpRequest(f"{site.url}/x", accept=[404])) == {"error": "none"}


def stuck(site: Site) -> Callable[[Asked], Answer]:
    """A page that does not answer before the test ends."""

    def waits(asked: Asked) -> Answer:
        site.stuck.wait(30)
        return Answer()

    return waits


def run(task: HttpRequest) -> Any:
    with Flow("web") as flow:
        task()
    state = flow.run()
    (found,) = state.result.values()
    return found


def test_in_a_flow_500_twice_then_ok(site: Site) -> None:
    site.page("/x", Answer(b"", 500), Answer(b"", 503), Answer({"ok": 1}))
    found = run(HttpRequest(f"{site.url}/x", max_retries=2))
    assert found.is_successful(), found.message
    assert len(site.asked) == 3


def test_in_a_flow_a_404_is_not_tried_again(site: Site) -> None:
    found = run(HttpRequest(f"{site.url}/nothing", max_retries=3))
    assert "answered 404" in found.message
    assert len(site.asked) == 1
    run(HttpRequest(f"{site.url}/nothing", max_retries=1, retry_on="404"))
    assert len(site.asked) == 3, "unless the task says so"


def test_in_a_flow_retry_after_is_honoured(site: Site) -> None:
    site.page("/x", Answer(b"", 429, {"Retry-After": "1"}), Answer({"ok": 1}))
    found = run(HttpRequest(f"{site.url}/x", max_retries=1))
    assert found.is_successful()
    # Without retries of its own it is not tried again, whatever the server says.
    site.page("/y", Answer(b"", 429, {"Retry-After": "1"}))
    assert "answered 429" in run(HttpRequest(f"{site.url}/y")).message
    assert [asked.path for asked in site.asked] == ["/x", "/x", "/y"]


def test_a_wait_that_is_too_long_is_not_waited(site: Site) -> None:
    site.page("/x", Answer(b"", 503, {"Retry-After": "999999"}))
    task = HttpRequest(f"{site.url}/x", max_retries=1)
    with context.entered(context.RunContext("r", "f", "t")), pytest.raises(HttpUnavailableError):
        task.run()


def test_retry_after_as_a_date() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    seconds = answers.retry_after(later.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    assert seconds is not None
    assert 3500 < seconds <= 3600


def test_a_body_that_is_no_json(site: Site) -> None:
    site.page("/x", Answer(b"<html>Please log in</html>"))
    with pytest.raises(HttpRefusedError, match="not JSON, but begins with: <html>Please log in"):
        HttpRequest(f"{site.url}/x").run()
    site.page("/y", Answer(b""))
    with pytest.raises(HttpRefusedError, match="but empty"):
        HttpRequest(f"{site.url}/y").run()


def test_a_body_that_is_too_large(site: Site) -> None:
    site.page("/x", Answer(b"x" * 5000))
    with pytest.raises(HttpRefusedError, match="larger than 4,999 bytes"):
        HttpRequest(f"{site.url}/x", fetch="bytes", max_bytes=4999).run()
    assert len(value(HttpRequest(f"{site.url}/x", fetch="bytes", max_bytes=5000))) == 5000


def test_it_saves_a_body_whole_or_not_at_all(site: Site, tmp_path: Path) -> None:
    site.page("/x", Answer(b"a,b\n" * 1000))
    target = tmp_path / "in" / "rows.csv"
    task = HttpRequest(f"{site.url}/x", save_to=target)
    assert value(task) == str(target)
    assert target.read_bytes() == b"a,b\n" * 1000
    facts = task.facts("x", Planning(tmp_path))
    assert [str(access.dataset) for access in facts.writes] == [str(target)]
    with pytest.raises(HttpRefusedError, match="larger than"):
        HttpRequest(f"{site.url}/x", save_to=target, max_bytes=10).run()
    assert [path.name for path in target.parent.iterdir()] == ["rows.csv"]
    assert target.stat().st_size == 4000


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(HttpUnavailableError, match=f"127.0.0.1:{port}/x: no answer"):
            HttpRequest(f"http://127.0.0.1:{port}/x").run()
    with pytest.raises(HttpUnavailableError, match="no answer"):
        HttpRequest("http://no-such-host.invalid/").run()


def test_no_answer_in_time(site: Site) -> None:
    site.pages["/x"] = stuck(site)
    with pytest.raises(HttpUnavailableError, match="no answer in time"):
        HttpRequest(f"{site.url}/x", read_timeout=0.2).run()


def test_a_certificate_that_is_not_trusted_is_not_tried_again(tmp_path: Path) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = self_signed(tmp_path / "ca.pem")
    served.load_cert_chain(authority)
    with serving(served) as site:
        site.page("/x", Answer({"a": 1}))
        with pytest.raises(HttpRefusedError, match="certificate is not trusted"):
            HttpRequest(f"{site.url}/x").run()
        assert value(HttpRequest(f"{site.url}/x", verify=str(authority))) == {"a": 1}


def test_redirects_end(site: Site) -> None:
    site.page("/once", Answer(b"", 302, {"Location": "/there"}))
    site.page("/there", Answer({"there": True}))
    assert value(HttpRequest(f"{site.url}/once")) == {"there": True}
    site.page("/round", Answer(b"", 302, {"Location": "/round?token=t0ken-in-url"}))
    with pytest.raises(HttpRefusedError, match="redirected 10 times") as raised:
        HttpRequest(f"{site.url}/round").run()
    assert "t0ken-in-url" not in str(raised.value)


def test_a_redirect_to_another_host_takes_no_secrets_along(site: Site) -> None:
    with serving() as other:
        other.page("/x", Answer({}))
        site.page("/x", Answer(b"", 307, {"Location": f"{other.url}/x"}))
        HttpRequest(f"{site.url}/x", auth=TOKEN, headers={"X-Api-Key": TOKEN}).run()
        assert site.asked[0].headers["x-api-key"] == TOKEN
        assert TOKEN not in str(other.asked[0])
        with pytest.raises(HttpRefusedError, match="redirected to another server"):
            HttpRequest(f"{site.url}/x", method="POST", json={"password": TOKEN}).run()
        assert len(other.asked) == 1


def test_a_cancelled_attempt_is_cut_off(site: Site) -> None:
    running = context.RunContext("r", "f", "t")

    def cancels(asked: Asked) -> Answer:
        running.cancelled.set()
        return stuck(site)(asked)

    site.pages["/x"] = cancels
    with context.entered(running), pytest.raises(FAIL, match="cancelled"):
        HttpRequest(f"{site.url}/x").run()
    assert not site.stuck.is_set()


def test_in_a_flow_it_ends_at_its_timeout(site: Site) -> None:
    site.pages["/x"] = stuck(site)
    found = run(HttpRequest(f"{site.url}/x", timeout=1))
    assert found.type.value == "TimedOut", found


def test_requests_that_cannot_be_made() -> None:
    with pytest.raises(FlowError, match="has no URL"):
        HttpRequest().run()
    with pytest.raises(FlowError, match="no URL that can be asked"):
        HttpRequest("ftp://example.com/x").run()
    with pytest.raises(FlowError, match="two bodies"):
        HttpRequest("http://127.0.0.1:1/", json={}, data="x").run()
    with pytest.raises(FlowError, match="cannot fetch 'jsn'") as raised:
        HttpRequest("http://127.0.0.1:1/", fetch="jsn")
    assert raised.value.fix == "did you mean 'json'?"

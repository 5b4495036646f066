"""Through apprise: messages arrive, failures are told with their reason, redirects are not followed."""

from __future__ import annotations

import sys

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.service.notify.addresses import DeliveryError
from orchestrator.service.notify.rules import Rule
from orchestrator.service.notify.targets import Targets
from orchestrator.store.outbox import Notification
from tests.notify.receivers import Receiver

pytest.importorskip("apprise")
SAID = {"title": "nightly: Failed", "state": "Failed", "task": "load", "error": "no such table"}


def send(url: str, *, private: bool = True) -> None:
    targets = Targets("shop", (Rule("ops", url),), private=private)
    targets.deliver(Notification("state", "shop/ops", SAID, key="k1"))


def test_a_message_arrives(receiver: Receiver) -> None:
    send(receiver.url.replace("http:", "json:"))
    body = receiver.bodies()[0]
    assert (body["title"], body["type"]) == ("nightly: Failed", "failure")
    assert body["message"] == "load: no such table"


def test_a_failure_says_why(receiver: Receiver) -> None:
    receiver.behaviour = "error"
    with pytest.raises(DeliveryError, match="500"):
        send(receiver.url.replace("http:", "json:"))
    receiver.behaviour, sofar = "redirect", len(receiver.got)
    with pytest.raises(DeliveryError):
        send(receiver.url.replace("http:", "json:"))
    assert len(receiver.got) == sofar + 1


@pytest.mark.parametrize(
    "url",
    [
        "pagerduty://A1Abcdefghijklmnopqrstuvwxyz@A1bcdefghijk",
        "slack://TJJJJJJJJ/BKKKKKKKK/abcdefghijklmnopqrstuvwx/#general",
        "mailto://user:password@example.com?to=team@example.com",
        "workflows://prod.logic.azure.com:443/643e69f83c8944438d68119179a10a64/ABCDEFGHIJ/",
    ],
)
def test_urls_of_the_services_that_the_page_names_can_be_read(url: str) -> None:
    from orchestrator.service.notify.targets import _sender

    assert len(_sender(url)) == 1


def test_a_url_that_is_none_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        send("nosuch://s3same-s3same@host")
    assert "nosuch://" in str(caught.value)
    assert "s3same" not in str(caught.value)


def test_without_apprise_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigurationError) as caught:
        send("pagerduty://a@b")
    assert "analytics-orchestrator[notify]" in str(caught.value)

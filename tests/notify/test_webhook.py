"""A webhook is signed, goes to no private network, follows nothing, and ends in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator import instants
from orchestrator.notifications import verify_webhook
from orchestrator.service.notify import addresses
from orchestrator.service.notify.addresses import DeliveryError, is_public
from orchestrator.service.notify.rules import Rule
from orchestrator.service.notify.targets import Targets
from orchestrator.service.notify.webhook import post
from orchestrator.store.outbox import Notification
from tests.notify.receivers import Receiver, receiving

AT = datetime(2026, 3, 1, 5, tzinfo=UTC)


def send(rule: Rule, payload: dict[str, object], *, private: bool = True) -> None:
    targets = Targets("shop", (rule,), private=private)
    targets.deliver(Notification("state", f"shop/{rule.name}", payload, key="k1"))


def test_the_receiver_can_check_who_sent_it_and_when(receiver: Receiver) -> None:
    rule = Rule("team", receiver.url, signing_secret="s3same-s3same")
    with instants.fixed(AT):
        send(rule, {"title": "nightly: Failed"})
    headers, body = receiver.got[0]
    assert receiver.bodies() == [{"id": "k1", "title": "nightly: Failed"}]
    assert headers["Orchestrator-Id"] == "k1"
    with instants.fixed(AT + timedelta(seconds=299)):
        assert verify_webhook("s3same-s3same", headers, body)
        assert not verify_webhook("another", headers, body)
        assert not verify_webhook("s3same-s3same", headers, body + b" ")
        assert not verify_webhook("s3same-s3same", headers | {"Orchestrator-Timestamp": "1"}, body)
        unsigned = {k: v for k, v in headers.items() if k != "Orchestrator-Signature"}
        assert not verify_webhook("s3same-s3same", unsigned, body)
    with instants.fixed(AT + timedelta(seconds=301)):
        assert not verify_webhook("s3same-s3same", headers, body)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [("error", "answered 500"), ("redirect", "302, a redirect"), ("hang", "no answer in 0.5 s"),
     ("drip", "no answer in 0.5 s")],
)  # fmt: skip
def test_any_answer_but_yes_is_a_failure(behaviour: str, said: str) -> None:
    with receiving(behaviour) as receiver:
        with pytest.raises(DeliveryError) as caught:
            post(receiver.url, b"{}", {}, private=True, seconds=0.5)
        assert said in caught.value.what
        assert caught.value.reachable is (behaviour in ("error", "redirect"))
        assert len(receiver.got) == 1  # nobody went where the redirect leads


def test_a_server_that_speaks_no_tls_and_one_that_is_not_there(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match="SSL"):
        post(receiver.url.replace("http:", "https:"), b"{}", {}, private=True, seconds=5)
    with receiving() as gone:
        url = gone.url
    with pytest.raises(DeliveryError, match="refused"):
        post(url, b"{}", {}, private=True, seconds=5)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "http://", "http://me:pass@127.0.0.1/",
     "http://127.0.0.1:99999/"],
)  # fmt: skip
def test_urls_that_are_none_for_webhooks(url: str) -> None:
    with pytest.raises(DeliveryError):
        post(url, b"{}", {}, private=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False), ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
    ],
)  # fmt: skip
def test_addresses_of_private_networks_are_known_in_every_disguise(
    address: str, public: bool
) -> None:
    assert is_public(address) is public


def test_a_service_sends_nothing_into_private_networks(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = Rule("team", receiver.url)
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(DeliveryError, match="private network"):
            send(Rule("team", url), {}, private=False)
    mail = "mailto://me:word@93.184.216.34?smtp=127.0.0.1&to=you@example.com&from=me@example.com"
    for url in ("json://127.0.0.1:1/x", mail):
        with pytest.raises(DeliveryError, match="private network"):
            send(Rule("team", url), {}, private=False)
    assert receiver.got == []
    monkeypatch.setenv(addresses.ALLOWED, "hooks.example, 127.0.0.1")
    send(rule, {}, private=False)
    assert len(receiver.got) == 1


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    """What was checked is what is connected to, whatever the name stands for a moment later."""
    looked: list[str] = []
    real = addresses.socket.getaddrinfo

    def first_public(host: str, port: int, *rest: Any, **more: Any) -> object:
        if host != "hooks.example":
            return real(host, port, *rest, **more)
        looked.append(host)
        return [(2, 1, 6, "", ("203.0.113.7" if len(looked) == 1 else "127.0.0.1", port))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", first_public)
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "203.0.113.7")
    url = receiver.url.replace("127.0.0.1", "hooks.example")
    with pytest.raises(DeliveryError):
        post(url, b"{}", {}, private=False, seconds=0.3)
    assert (looked, receiver.got) == (["hooks.example"], [])

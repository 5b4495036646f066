"""The notifier tries five times, gives up visibly, and lets nobody wait for one that hangs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import instants
from orchestrator.service.notify.notifier import TRIES, Notifier
from orchestrator.service.notify.rules import Rule
from orchestrator.service.notify.targets import Targets
from orchestrator.store.base import RunStore
from orchestrator.store.outbox import Delivery, Notification
from tests.notify.receivers import WAIT, Receiver, receiving

AT = datetime(2026, 3, 1, 5, tzinfo=UTC)


def message(number: int = 0, target: str = "shop/team", at: datetime = AT) -> Notification:
    return Notification("state", target, {"n": number}, key=f"{target} {number}", next_try=at)


def notifier(store: RunStore, **urls: str) -> Notifier:
    rules = tuple(Rule(name, url) for name, url in urls.items())
    return Notifier(store, Targets("shop", rules, private=True))


def test_five_tries_each_later_then_a_dead_letter_that_can_be_revived(
    store: RunStore, receiver: Receiver
) -> None:
    receiver.behaviour = "error"
    store.put([message()])
    sender, now, gaps = notifier(store, team=receiver.url), AT, []
    while store.outbox()[0].state is Delivery.PENDING:
        with instants.fixed(now):
            assert sender.deliver_due() == 1
            assert sender.deliver_due() == 0  # not due again
        following = store.outbox()[0].next_try
        gaps.append(round((following - now).total_seconds()))
        now = following
    assert gaps[:4] == [10, 60, 300, 1800]
    assert len(receiver.got) == TRIES == 5
    dead = store.outbox(state=Delivery.DEAD)[0]
    assert (dead.attempts, dead.error) == (5, "answered 500 Internal Server Error")
    assert len({headers["Orchestrator-Id"] for headers, _ in receiver.got}) == 1

    receiver.behaviour = "ok"
    assert store.revive(dead.id, now)
    with instants.fixed(now):
        notifier(store, team=receiver.url).deliver_due()
    assert store.outbox()[0].state is Delivery.SENT


def test_one_target_that_hangs_holds_up_no_other(
    store: RunStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving("hang") as hanging:
        store.put([message(n, "shop/hanging") for n in range(3)] + [message(9)])
        sender, stop = notifier(store, hanging=hanging.url, team=receiver.url), threading.Event()
        thread = threading.Thread(target=sender.run, args=(stop,), daemon=True)
        thread.start()
        hanging.wait()
        receiver.wait()  # while the other is still held
        assert not hanging.released.is_set()
        assert receiver.bodies()[0]["n"] == 9
        stop.set()
        thread.join(WAIT)
        assert not thread.is_alive()  # nor does what hangs keep the service from ending
        sender.leave(0.0)
    assert {n.state for n in store.outbox() if n.target.endswith("hanging")} == {Delivery.PENDING}


def test_when_nobody_is_there_the_rest_is_not_tried_one_by_one(store: RunStore) -> None:
    with receiving() as gone:
        url = gone.url
    store.put([message(n) for n in range(4)])
    with instants.fixed(AT):
        notifier(store, team=url).deliver_due()
    found = store.outbox()
    assert {n.attempts for n in found} == {1}
    assert {n.next_try for n in found} == {AT + timedelta(seconds=10)}
    assert len({n.error for n in found}) == 1
    assert "refused" in found[0].error


def test_what_is_for_another_project_is_left_to_it(store: RunStore, receiver: Receiver) -> None:
    store.put([message(1, "other/team")])
    now = AT
    for _ in range(TRIES + 1):
        with instants.fixed(now):
            notifier(store, team=receiver.url).deliver_due()
        now = store.outbox()[0].next_try
    assert receiver.got == []
    assert store.outbox()[0].state is Delivery.PENDING


def test_a_sender_that_breaks_and_a_target_that_is_gone(store: RunStore) -> None:
    class Broken:
        def owns(self, notification: Notification) -> bool:
            return True

        def deliver(self, notification: Notification) -> None:
            raise RuntimeError("a secret may stand here")

    store.put([message()])
    with instants.fixed(AT):
        Notifier(store, Broken()).deliver_due()
    assert store.outbox()[0].error == "the sender broke: RuntimeError"
    store.put([message(1, "shop/gone")])
    with instants.fixed(AT):
        notifier(store).deliver_due()
    assert "no [notifications.gone]" in store.outbox()[0].error


def test_a_notifier_goes_on_when_the_store_fails(receiver: Receiver, store: RunStore) -> None:
    store.put([message()])
    failing = [True]

    def look() -> None:
        if failing:
            failing.pop()
            raise OSError("no database just now")

    rules = (Rule("team", receiver.url),)
    sender = Notifier(store, Targets("shop", rules, private=True), look=look)
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,), daemon=True)
    thread.start()
    receiver.wait()
    stop.set()
    thread.join(WAIT)
    assert sender.leave(WAIT)


def test_two_notifiers_send_each_message_once(store: RunStore, receiver: Receiver) -> None:
    store.put([message(n) for n in range(60)])
    senders = [notifier(store, team=receiver.url) for _ in range(2)]
    threads = [threading.Thread(target=sender.deliver_due) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert sorted(body["n"] for body in receiver.bodies()) == list(range(60))
    assert {each.state for each in store.outbox()} == {Delivery.SENT}


@pytest.mark.slow
def test_a_thousand_at_once(store: RunStore, receiver: Receiver) -> None:
    urls = {f"t{n}": receiver.url for n in range(10)}
    store.put([message(n, f"shop/t{n % 10}") for n in range(1000)])
    notifier(store, **urls).deliver_due()
    assert sorted(body["n"] for body in receiver.bodies()) == list(range(1000))
    assert store.outbox(state=Delivery.PENDING) == ()

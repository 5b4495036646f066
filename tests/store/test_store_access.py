"""Tokens, sessions and deeds: the same promises from every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import instants
from orchestrator.errors import NotFoundError, StoreError
from orchestrator.store.access import Deed, Role, Token
from orchestrator.store.base import RunStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add(store: RunStore, name: str = "ada", **more: object) -> Token:
    return store.add_token(Token(name, Role.RUN, NOON, **more), f"hash of {name}")  # type: ignore[arg-type]


def test_a_token_is_found_by_its_hash_alone(store: RunStore) -> None:
    made = add(store, expires=NOON + timedelta(days=30))
    assert store.token("hash of ada") == made
    assert (made.name, made.role, made.created) == ("ada", Role.RUN, NOON)
    assert made.expires == NOON + timedelta(days=30)
    assert store.token("ada") is None
    assert store.token("") is None


def test_tokens_are_listed_in_the_order_they_were_made(store: RunStore) -> None:
    made = [add(store, name) for name in ("c", "a", "b")]
    assert store.tokens() == tuple(made)
    assert [token.id for token in made] == sorted({token.id for token in made})


def test_two_good_tokens_have_no_one_name(store: RunStore) -> None:
    add(store)
    with pytest.raises(StoreError, match="already") as refused:
        store.add_token(Token("ada", Role.ADMIN, NOON), "another hash")
    assert refused.value.fix
    assert [token.role for token in store.tokens()] == [Role.RUN]
    store.revoke_token("ada")
    again = store.add_token(Token("ada", Role.ADMIN, NOON), "another hash")
    assert again.revoked is None
    assert [token.revoked is None for token in store.tokens()] == [False, True]


def test_when_a_token_was_used_is_kept(store: RunStore) -> None:
    made = add(store)
    assert made.last_used is None
    store.use_token(made.id, NOON)
    assert store.tokens()[0].last_used == NOON
    store.use_token(99, NOON)


def test_a_token_is_good_until_it_expires_or_is_revoked(store: RunStore) -> None:
    token = add(store, expires=NOON)
    assert token.is_good(NOON - timedelta(seconds=1))
    assert not token.is_good(NOON)
    assert not store.revoke_token("ada").is_good(NOON - timedelta(seconds=1))
    with pytest.raises(NotFoundError):
        store.revoke_token("ada")
    with pytest.raises(NotFoundError):
        store.revoke_token("nobody")


def test_a_session_stands_for_its_token(store: RunStore) -> None:
    made, soon = add(store), instants.now() + timedelta(hours=1)
    store.open_session(made.id, "s1", soon)
    store.open_session(made.id, "s2", soon)
    assert store.token("s1") == store.token("s2") == made
    store.close_session("s1")
    store.close_session("s1")
    assert store.token("s1") is None
    assert store.token("s2") == made
    store.revoke_token("ada")
    assert store.token("s2") is None
    with pytest.raises(NotFoundError):
        store.open_session(99, "s3", soon)


def test_an_expired_session_is_forgotten(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made, now = add(store), instants.now()
    store.open_session(made.id, "s1", now + timedelta(hours=1))
    monkeypatch.setattr(instants, "now", lambda: now + timedelta(hours=2))
    assert store.token("s1") is None
    store.open_session(made.id, "s2", now + timedelta(hours=3))
    monkeypatch.setattr(instants, "now", lambda: now)
    assert store.token("s1") is None, "gone, not only hidden"
    assert store.token("s2") == made


def test_deeds_are_kept_and_read_in_pages(store: RunStore) -> None:
    deeds = [Deed("ada", Role.ADMIN, "limit.set", f"tag:{n}", {"slots": n}, NOON) for n in range(5)]
    numbers = [store.add_deed(deed) for deed in deeds]
    assert numbers == sorted(set(numbers))
    newest = store.deeds(limit=2)
    assert [deed.subject for deed in newest] == ["tag:4", "tag:3"]
    rest = store.deeds(before=newest[-1].id)
    assert [deed.data["slots"] for deed in rest] == [2, 1, 0]
    assert (rest[0].by, rest[0].role, rest[0].at) == ("ada", Role.ADMIN, NOON)
    with pytest.raises(StoreError):
        store.add_deed(Deed("ada", Role.ADMIN, "x", "y", {"a": object()}))


def test_odd_names_are_kept_as_text(store: RunStore) -> None:
    odd = "<script>'; DROP TABLE tokens; --\x00\ud800"
    made = store.add_token(Token(odd, Role.VIEW, NOON), "h")
    assert made.name.startswith("<script>'; DROP TABLE tokens; --")
    store.revoke_token(odd)
    store.add_deed(Deed(odd, Role.VIEW, odd, odd, {odd: odd}))
    assert store.deeds()[0].by == made.name

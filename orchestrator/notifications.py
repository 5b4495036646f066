"""What flows and receivers of messages import: Prefect 1's Slack handler, and the check of a signature."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast, overload

from orchestrator import instants
from orchestrator.model import context
from orchestrator.model.state import State
from orchestrator.service.notify import messages
from orchestrator.service.notify.handing import hand_to_slack
from orchestrator.service.notify.states import wanted
from orchestrator.service.notify.webhook import SIGNATURE, TIMESTAMP, signature

__all__ = ["slack_notifier", "verify_webhook"]

Handler = Callable[[Any, State, State], State]
_DEFAULT_SECRET = "SLACK_WEBHOOK_URL"


@overload
def slack_notifier(
    *,
    ignore_states: Iterable[object] | None = None,
    only_states: Iterable[object] | None = None,
    webhook_secret: str | None = None,
    backend_info: bool = True,
) -> Handler: ...
@overload
def slack_notifier(
    tracked_obj: Any,
    old_state: State,
    new_state: State,
    ignore_states: Iterable[object] | None = None,
    only_states: Iterable[object] | None = None,
    webhook_secret: str | None = None,
    backend_info: bool = True,
) -> State: ...
def slack_notifier(
    tracked_obj: Any = None,
    old_state: State | None = None,
    new_state: State | None = None,
    ignore_states: Iterable[object] | None = None,
    only_states: Iterable[object] | None = None,
    webhook_secret: str | None = None,
    backend_info: bool = True,
) -> State | Handler:
    """Tell Slack of changes of state: a state handler for tasks and flows, as in Prefect 1.

    It may be given as it stands or with options, and never delays or fails what it is told of.

    Args:
        tracked_obj: The task or flow; left out when options are given.
        old_state: The state it leaves.
        new_state: The state it enters.
        ignore_states: Not of these.
        only_states: Only of these: ``"Failed"`` or ``StateType.FAILED``. As in Prefect 1,
            ``Failed`` also covers ``TimedOut``, ``Success`` also ``Cached``.
        webhook_secret: Name of the secret that holds the webhook's URL, ``SLACK_WEBHOOK_URL`` if
            left out.
        backend_info: Whether to name the run.

    Returns:
        The new state as it is; the handler itself if no state is given.

    Raises:
        ConfigurationError: A word is no state.

    Example:
        >>> from orchestrator import Flow
        >>> flow = Flow("nightly", state_handlers=[slack_notifier(only_states=["Failed"])])
    """
    states = wanted(only_states, ignore_states)
    if new_state is None:
        told: Any = partial(
            slack_notifier, ignore_states=ignore_states, only_states=only_states,
            webhook_secret=webhook_secret, backend_info=backend_info,
        )  # fmt: skip
        return cast(Handler, told)
    if new_state.type in states:
        hand_to_slack(
            webhook_secret or _DEFAULT_SECRET, _payload(tracked_obj, new_state, backend_info)
        )
    return new_state


def _payload(told: Any, state: State, run_too: bool) -> dict[str, Any]:
    title = f"{getattr(told, 'name', told)}: {state.type}"
    payload = messages.about(None, "handler", title, state.message, instants.now(), "UTC")
    payload["state"] = state.type.value
    running = context.active()
    if running is not None:
        payload["run_id"] = running.run_id
    if running is not None and run_too:
        payload["message"] = "\n".join(
            filter(None, (state.message, f"flow {running.flow}, run {running.run_id}"))
        )
    return payload


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = 300.0
) -> bool:
    """Whether a webhook was signed with a secret, and not long ago; for those who receive them.

    Args:
        secret: The value of ``signing_secret``.
        headers: Those of the request.
        body: Its body, as it came.
        tolerance: Seconds that the request may be old (or early).

    Example:
        >>> verify_webhook("s3same", {}, b"{}")
        False
    """
    given = {name.lower(): value for name, value in headers.items()}
    stamp, signed = given.get(TIMESTAMP.lower(), ""), given.get(SIGNATURE.lower(), "")
    if not stamp.isascii() or not stamp.isdigit():
        return False
    fresh = abs(instants.now().timestamp() - int(stamp)) <= tolerance
    right = hmac.compare_digest(signature(secret, stamp, body).encode(), signed.encode())
    return fresh and right

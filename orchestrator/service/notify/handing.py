"""Sends what a state handler says: through the outbox where there is one, else from a thread here."""

from __future__ import annotations

import atexit
import contextvars
import json
import logging
import threading
import time
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.secrets import Secret
from orchestrator.service.notify import messages
from orchestrator.service.notify.announcing import reachable
from orchestrator.service.notify.targets import SLACK_SECRET, slack_message
from orchestrator.service.notify.webhook import post

_LOG = logging.getLogger("orchestrator.notify")
_WAITS = (1.0, 2.0, 4.0, 8.0)  #: seconds after each try; there is one more
_PATIENCE = 5.0  #: seconds that a process that ends waits for messages on their way
_on_their_way: list[threading.Thread] = []


def hand_to_slack(secret: str, payload: dict[str, Any]) -> None:
    """Send a message to Slack, and do not wait for it.

    In the process that drives the run it goes through the outbox. A worker of a cluster has none:
    there it is tried five times from a thread.

    Args:
        secret: Name of the secret that holds the webhook's URL.
        payload: What it says.
    """
    told = reachable()
    if told is not None:
        told.tell("handler", SLACK_SECRET + secret, payload)
        return
    here = contextvars.copy_context()  # of the attempt: it knows where secrets are
    body = json.dumps(slack_message(messages.masked(payload))).encode()
    thread = threading.Thread(target=here.run, args=(_send, secret, body), daemon=True)
    _on_their_way[:] = [other for other in _on_their_way if other.is_alive()]
    _on_their_way.append(thread)
    thread.start()


def _send(secret: str, body: bytes) -> None:
    for wait in (*_WAITS, None):
        try:
            url = Secret(secret).get()
            post(url, body, {"Content-Type": "application/json"}, private=True)
            return
        except OrchestratorError as error:
            if wait is None:
                _LOG.warning("a message to Slack was given up: %s", error.what)
                return
            time.sleep(wait)


@atexit.register
def _wait_for_messages() -> None:
    until = time.monotonic() + _PATIENCE
    for thread in _on_their_way:
        thread.join(max(0.0, until - time.monotonic()))

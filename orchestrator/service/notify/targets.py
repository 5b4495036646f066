"""Targets: hands a notification to its receiver, as a signed webhook, to Slack, or through apprise."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator import instants
from orchestrator.errors import ConfigurationError, OrchestratorError
from orchestrator.secrets import Secret, masker, resolve
from orchestrator.service.notify.addresses import DeliveryError, addresses
from orchestrator.service.notify.messages import text_of
from orchestrator.service.notify.rules import Rule, format_of
from orchestrator.service.notify.webhook import ID, SIGNATURE, TIMESTAMP, post, signature
from orchestrator.store.outbox import Notification

#: Instead of a rule's name: Slack, at the URL that the secret of this name holds.
SLACK_SECRET = "slack:"
_AGENT = {"Content-Type": "application/json", "User-Agent": "analytics-orchestrator"}


class Targets:
    """The targets of one project.

    Args:
        project: The project's name.
        rules: Its rules; their names are those of targets.
        private: Whether messages may go to private networks.
    """

    def __init__(self, project: str, rules: tuple[Rule, ...], *, private: bool) -> None:
        self._project, self._private = project, private
        self._rules = {rule.name: rule for rule in rules}

    def owns(self, notification: Notification) -> bool:
        """Whether the notification goes to a target of this project."""
        return notification.target.startswith(f"{self._project}/")

    def deliver(self, notification: Notification) -> None:
        """Deliver a notification; return when the receiver has accepted it.

        Raises:
            OrchestratorError: It could not be delivered; the text holds no secret.
        """
        try:
            name = notification.target.removeprefix(f"{self._project}/")
            if name.startswith(SLACK_SECRET):
                url = Secret(name.removeprefix(SLACK_SECRET)).get()
                self._slack(url, notification)
            else:
                self._by_rule(self._rule(name), notification)
        except OrchestratorError as error:
            error.what = masker().mask(error.what)
            raise

    def _rule(self, name: str) -> Rule:
        if name not in self._rules:
            raise ConfigurationError(f"orchestrator.toml has no [notifications.{name}] any more")
        return self._rules[name]

    def _by_rule(self, rule: Rule, notification: Notification) -> None:
        url = resolve(rule.url)
        if url != rule.url:
            masker().add(url)
        form = format_of(rule, url)
        if form == "slack":
            self._slack(url, notification)
        elif form == "json":
            self._webhook(url, resolve(rule.signing_secret, "SECRET"), notification)
        else:
            self._apprise(url, notification.payload)

    def _webhook(self, url: str, secret: str | None, notification: Notification) -> None:
        name = notification.key or str(notification.id)
        body = _json({"id": name, **notification.payload})
        timestamp = str(int(instants.now().timestamp()))
        headers = {**_AGENT, ID: name, TIMESTAMP: timestamp}
        if secret:
            headers[SIGNATURE] = signature(secret, timestamp, body)
        post(url, body, headers, private=self._private)

    def _slack(self, url: str, notification: Notification) -> None:
        post(url, _json(slack_message(notification.payload)), _AGENT, private=self._private)

    def _apprise(self, url: str, payload: Mapping[str, Any]) -> None:
        sender = _sender(url)
        if not self._private:
            for host, port in _hosts(sender):
                addresses(host, port, private=False)
        _send(sender, payload)


def slack_message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload as Slack wants it; nothing in it can call people or draw links.

    Example:
        >>> slack_message({"title": "nightly: Failed", "message": "<!channel> a & b"})
        {'text': '*nightly: Failed*\\n&lt;!channel&gt; a &amp; b'}
    """
    text = f"*{payload.get('title', '')}*\n{text_of(payload)}".rstrip()
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return {"text": text}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def _sender(url: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise ConfigurationError(
            "mail, Teams, PagerDuty and the like are sent through apprise, which is not installed",
            fix="pip install 'analytics-orchestrator[notify]'",
        ) from None
    asset = apprise.AppriseAsset(
        app_id="analytics-orchestrator", app_desc="analytics-orchestrator",
        http_redirects=False, secure_logging=True, async_mode=False,
    )  # fmt: skip
    sender = apprise.Apprise(asset=asset)
    if not sender.add(url):
        kind = url.partition("://")[0][:20]
        raise ConfigurationError(
            f"apprise cannot read the URL ({kind}://…)", fix="see apprise's page on that service"
        )
    return sender


def _hosts(sender: Any) -> Iterator[tuple[str, int]]:
    """Where apprise would connect to, as far as the URL says; many have a key in a host's place."""
    for server in sender:
        named = getattr(server, "host", None) if "host" in server.template_tokens else None
        for host in (named, getattr(server, "smtp_host", None)):
            if isinstance(host, str) and host:
                yield host, server.port or 443


def _send(sender: Any, payload: Mapping[str, Any]) -> None:
    import apprise

    kind = _KINDS.get(str(payload.get("state")), apprise.NotifyType.INFO)
    with apprise.LogCapture(level=logging.WARNING) as said:
        delivered = sender.notify(
            title=str(payload.get("title", "")),
            body=text_of(payload) or " ",
            notify_type=kind,
            body_format=apprise.NotifyFormat.TEXT,
        )
        reasons = said.getvalue().strip().splitlines()
    if not delivered:
        raise DeliveryError(reasons[-1] if reasons else "apprise could not deliver it")


_KINDS = {"Failed": "failure", "TimedOut": "failure", "Success": "success", "Cancelled": "warning"}

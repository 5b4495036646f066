"""Sends a message from within a flow: to the targets of orchestrator.toml, or to an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator import instants
from orchestrator.errors import ConfigurationError, FlowError, OrchestratorError
from orchestrator.model import context
from orchestrator.model.task import Task
from orchestrator.nearest import did_you_mean
from orchestrator.secrets import masker
from orchestrator.service.notify import messages
from orchestrator.service.notify.addresses import DeliveryError
from orchestrator.service.notify.rules import FORMATS, Rule, rules_of
from orchestrator.service.notify.targets import Targets
from orchestrator.service.project import Project
from orchestrator.store.outbox import Notification

if TYPE_CHECKING:
    from orchestrator.model.facts import TaskFacts
    from orchestrator.model.planning import Planning

_KIND = "task"
_ADDRESS = "address"  #: stands for the name of a target that has none
#: A receiver that is away for a moment is not worth a failed run.
_PATIENT = {"max_retries": 3, "retry_delay": 5, "retry_backoff": 2.0, "retry_on": DeliveryError}


class Notify(Task):
    """Sends a message, and has succeeded when every receiver has accepted it.

    A receiver that cannot be reached is tried again three times, after 5, 10 and 20 seconds, unless
    ``max_retries`` says otherwise; receivers that accepted the message may then get it twice (a
    webhook knows it by its ``Orchestrator-Id``). To be told of failures whatever the flow does, use
    ``[notifications]`` in ``orchestrator.toml``; to end a flow with a message, this.

    Args:
        message: What it says; may be given to :meth:`run` instead.
        title: A few words above it; the flow's name if left out.
        to: Whom to tell: the name of a ``[notifications.NAME]`` table, or an address: the URL of a
            webhook or Slack, any URL that apprise knows, or ``"secret:NAME"`` that holds one. A list
            tells several; left out, all targets of ``orchestrator.toml``.
        format: Of addresses: ``json`` (a signed webhook), ``slack`` or ``apprise``; as the URL tells
            if left out.
        signing_secret: Reference to what webhooks at addresses are signed with: ``"secret:NAME"``.
        task_args: As any task takes them. ``trigger="all_finished"`` tells of failures too.

    Raises:
        ConfigurationError: There is no such target, or a secret is not set.
        DeliveryError: A receiver did not accept it; its URL is not repeated.
        FlowError: There is nothing to say, or ``format`` is not known.

    Example:
        >>> Notify("the nightly tables are there", to="secret:SLACK_WEBHOOK_URL", name="tell")
        <Notify tell>
    """

    resource_type: ClassVar[str] = "notify"

    def __init__(
        self,
        message: str | None = None,
        title: str | None = None,
        to: str | Iterable[str] | None = None,
        format: str | None = None,
        signing_secret: str | None = None,
        **task_args: Any,
    ) -> None:
        super().__init__(**{**_PATIENT, **task_args})
        if format is not None and format not in FORMATS:
            raise FlowError(
                f"task {self.name!r}: format={format!r} is not known",
                fix="one of " + ", ".join(FORMATS),
            )
        self.message = message
        self.title = title
        self.to = None if to is None else (to,) if isinstance(to, str) else tuple(to)
        self.format = format
        self.signing_secret = signing_secret
        self.project_name: str | None = None
        self.rules: tuple[Rule, ...] | None = None

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task; takes down whom to tell, so that it is known wherever the task runs."""
        self._look_up(planning.root)
        return super().facts(key, planning)

    def run(self, message: str | None = None, title: str | None = None) -> list[str]:
        """Send it; arguments left out are the task's own.

        Returns:
            The names of the targets that accepted it.
        """
        text = self.message if message is None else message
        if not text or not str(text).strip():
            raise FlowError(f"task {self.name!r} has nothing to say", fix="give message=…")
        if self.rules is None:
            self._look_up(Path.cwd())
        told = self._payload(str(text), title or self.title)
        failed: list[OrchestratorError] = []
        accepted = []
        for rule in self.rules or ():
            try:
                self._deliver(rule, told)
                accepted.append(rule.name)
            except OrchestratorError as error:
                error.what = f"{rule.name} was not told: {error.what}"
                failed.append(error)
        if failed:
            # One that is not worth another try (a setting) must not hide behind one that is.
            raise min(failed, key=lambda error: isinstance(error, DeliveryError))
        return accepted

    def _deliver(self, rule: Rule, payload: dict[str, Any]) -> None:
        here = context.active()
        key = messages.key_of(here.run_id, here.task, rule.name) if here else None
        targets = Targets("", (rule,), private=True)
        targets.deliver(Notification(_KIND, f"/{rule.name}", payload, key=key))

    def _payload(self, text: str, title: str | None) -> dict[str, Any]:
        here = context.active()
        title = title or (here.flow if here else self.name)
        payload = messages.about(None, _KIND, title, text, instants.now(), "UTC")
        if here is not None:
            payload |= {"flow": here.flow, "run_id": here.run_id, "task": here.task_name}
            payload |= {"project": self.project_name} if self.project_name else {}
        return payload

    # -- whom to tell ----------------------------------------------------------------------

    def _look_up(self, root: Path) -> None:
        named = self.to is None or not all(map(_is_address, self.to))
        known: Sequence[Rule] = ()
        if named:
            project = Project.find(root)
            known, self.project_name = rules_of(project.settings), project.name
        if self.to is None and not known:
            raise ConfigurationError(
                f"task {self.name!r}: orchestrator.toml names nobody to tell",
                fix="add [notifications.team], or give to=",
            )
        self.rules = (
            tuple(known) if self.to is None else tuple(self._rule(t, known) for t in self.to)
        )

    def _rule(self, to: str, known: Sequence[Rule]) -> Rule:
        if _is_address(to):
            return Rule(_ADDRESS, to, self.format, self.signing_secret)
        found = next((rule for rule in known if rule.name == to), None)
        if found is None:
            names = [rule.name for rule in known]
            there = "targets: " + (", ".join(names) or "none")
            raise ConfigurationError(
                masker().mask(f"task {self.name!r}: there is no [notifications.{to}]"),
                fix=did_you_mean(to, names, there),
            )
        return found


class SlackTask(Notify):
    """Sends a message to Slack, as Prefect 1's SlackTask does.

    Args:
        message: What it says; may be given to :meth:`run` instead.
        webhook_secret: Name of the secret that holds the webhook's URL.
        task_args: As :class:`Notify` takes them.

    Raises:
        ConfigurationError: The secret is not set.
        DeliveryError: Slack did not accept it.

    Example:
        >>> SlackTask("done").to
        ('secret:SLACK_WEBHOOK_URL',)
    """

    def __init__(
        self,
        message: str | None = None,
        webhook_secret: str = "SLACK_WEBHOOK_URL",
        **task_args: Any,
    ) -> None:
        super().__init__(message, to=f"secret:{webhook_secret}", format="slack", **task_args)


def _is_address(to: str) -> bool:
    return "://" in to or to.startswith(("secret:", "env:"))

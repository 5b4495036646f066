"""Joins a project's rules, its store and the senders, for a run by hand and for the service."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from orchestrator import instants, secrets
from orchestrator.errors import InfrastructureError, NotFoundError
from orchestrator.nearest import nearest
from orchestrator.service.notify import messages
from orchestrator.service.notify.addresses import DeliveryError
from orchestrator.service.notify.announcing import Announcing
from orchestrator.service.notify.notifier import Notifier
from orchestrator.service.notify.rules import rules_of
from orchestrator.service.notify.targets import Targets
from orchestrator.service.notify.watch import Watch
from orchestrator.store.base import RunStore
from orchestrator.store.outbox import Notification
from orchestrator.store.records import new_run_id

if TYPE_CHECKING:
    from orchestrator.service.project import Project

#: Seconds that the process of a run by hand waits at its end for messages on their way.
_PATIENCE = 5.0


def announcing(project: Project, opened: Callable[[], RunStore]) -> RunStore:
    """Open a store such that what it records is told to whom the project's settings name.

    Messages of a run that this process itself drives are sent from here, beside the run; those of
    runs that an agent launches are left to the service.

    Args:
        project: The project.
        opened: Opens its store.

    Raises:
        ConfigurationError: A rule cannot be read.
    """
    rules = rules_of(project.settings)
    told = Announcing(
        opened(), project.name, rules, deliver=partial(_beside_the_run, project)
    )  # fmt: skip
    told.make_reachable()
    return cast(RunStore, told)


def service_notifier(project: Project, store: RunStore) -> Notifier:
    """Return the notifier of a service: it watches as well, and stays out of private networks.

    Run it in a thread: ``notifier.run(stop)``.

    Args:
        project: The project whose rules and secrets it uses.
        store: The run store.
    """
    rules = rules_of(project.settings)
    speaker = Announcing(store, project.name, rules)
    watch = Watch(store, project.name, rules, speaker)
    return Notifier(store, _WithSecrets(project, private=False), look=watch.look)


def send_test(project: Project, name: str) -> None:
    """Send a test message to a target, now, past the outbox.

    Args:
        project: The project.
        name: The target's table in ``orchestrator.toml``.

    Raises:
        NotFoundError: There is no such target.
        OrchestratorError: It is not set up as it should be.
        InfrastructureError: It could not be delivered.
    """
    rules = {rule.name: rule for rule in rules_of(project.settings)}
    if name not in rules:
        raise NotFoundError(
            f"orchestrator.toml has no [notifications.{name}]",
            fix=nearest(name, rules, "targets: ") if rules else 'add one with url = "secret:NAME"',
        )
    title = f"a test message from project {project.name}"
    payload = messages.about(
        None, messages.TEST, title, "it works", instants.now(), rules[name].timezone,
        project=project.name,
    )  # fmt: skip
    told = Notification(messages.TEST, f"{project.name}/{name}", payload, key=new_run_id())
    try:
        _WithSecrets(project, private=True).deliver(told)
    except DeliveryError as error:
        raise InfrastructureError(
            f"the test message to {name} was not delivered: {error.what}",
            where=f"[notifications.{name}]",
            fix=error.fix or "see that its url is right and that somebody listens there",
        ) from error


class _WithSecrets(Targets):
    """Targets that find their secrets where the project's are."""

    def __init__(self, project: Project, *, private: bool) -> None:
        super().__init__(project.name, rules_of(project.settings), private=private)
        self._state_dir = project.settings.state_dir

    def deliver(self, notification: Notification) -> None:
        # The provider is a context variable, and this thread is none that the project knows.
        with secrets.provided_by(secrets.default_provider(self._state_dir)):
            super().deliver(notification)


def _beside_the_run(project: Project, store: RunStore) -> Callable[[], None]:
    """Begin to deliver in a thread; the answer ends it."""
    notifier, stop = Notifier(store, _WithSecrets(project, private=True)), threading.Event()
    threading.Thread(target=notifier.run, args=(stop,), name="notifier", daemon=True).start()

    def finish() -> None:
        stop.set()
        notifier.leave(_PATIENCE)

    return finish

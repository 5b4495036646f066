"""Runs a task in the thread that asks: its surroundings, its arguments, its connection."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestrator import log, secrets
from orchestrator.engine import outcome
from orchestrator.engine.attempts import checking
from orchestrator.engine.messages import Attempt
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.results.stored import taken
from orchestrator.model import context
from orchestrator.model.binding import fill
from orchestrator.model.warehouse import Warehouse

Say = Callable[[str, str], None]

_provider = lru_cache(maxsize=8)(secrets.default_provider)


@contextlib.contextmanager
def surroundings(attempt: Attempt, say: Say, cancelled: context.Cancellation) -> Iterator[None]:
    """The context, secrets and log of an attempt for a block.

    Args:
        attempt: What runs.
        say: Takes each line of its log, as ``say("INFO", text)``.
        cancelled: Set when it is to stop.
    """
    running = context.RunContext(
        attempt.run_id, attempt.flow, attempt.key, attempt.number, attempt.parameters,
        attempt.scheduled_time, logging.getLogger(f"orchestrator.task.{attempt.task.name}"), cancelled,
        checking.recorder(attempt), attempt.task.name, attempt.data_interval,
    )  # fmt: skip
    with (
        context.entered(running),
        _secrets(attempt.state_dir),
        log.capture(say, stdout=attempt.task.log_stdout),
    ):
        yield


def run_here(attempt: Attempt, arguments: dict[str, Any]) -> tuple[Any, Outcome]:
    """Run the task; whatever it raises is in the outcome.

    Args:
        attempt: What runs.
        arguments: Of ``run``, with values in the place of slots.
    """
    try:
        with _connected(attempt.warehouse) as connected:
            value, found = outcome.returned(attempt.task.run(**arguments, **connected))
    except BaseException as error:
        value, found = None, outcome.raised(error, attempt)
    name = attempt.task.run_name(arguments, context.current())
    if name is not None:
        found = replace(found, detail={**found.detail, "task_run_name": name})
    return value, checking.observed(found, context.current().executed, attempt.state_dir)


def filled(attempt: Attempt, inputs: list[Any]) -> dict[str, Any]:
    """The arguments of an attempt, with the inputs in the place of slots."""
    arguments = {
        name: fill(value, lambda slot: taken(slot, inputs))
        for name, value in attempt.arguments.items()
    }
    if attempt.upstream_states is not None:
        arguments["upstream_states"] = attempt.upstream_states
    return arguments


def _secrets(state_dir: Path | None) -> contextlib.AbstractContextManager[None]:
    if state_dir is None:
        return contextlib.nullcontext()
    return secrets.provided_by(_provider(state_dir))


@contextlib.contextmanager
def _connected(warehouse: Warehouse | None) -> Iterator[dict[str, Any]]:
    if warehouse is None:
        yield {}
        return
    with warehouse.connect() as connection:
        yield {"warehouse": connection}

"""Triggers by the names Prefect 1 gave them: when a task runs, given what it waits for."""

from __future__ import annotations

from orchestrator.model.policy import Trigger, some_failed, some_successful

all_successful = Trigger.ALL_SUCCESSFUL
all_finished = Trigger.ALL_FINISHED
always_run = Trigger.ALWAYS_RUN
any_successful = Trigger.ANY_SUCCESSFUL
any_failed = Trigger.ANY_FAILED
all_failed = Trigger.ALL_FAILED
not_all_skipped = Trigger.NOT_ALL_SKIPPED
manual_only = Trigger.MANUAL_ONLY

__all__ = [
    "all_failed",
    "all_finished",
    "all_successful",
    "always_run",
    "any_failed",
    "any_successful",
    "manual_only",
    "not_all_skipped",
    "some_failed",
    "some_successful",
]

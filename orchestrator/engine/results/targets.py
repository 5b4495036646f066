"""Results that lie where ``target=`` says: taken as they are, and the task is not run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from orchestrator.engine.messages import Attempt
from orchestrator.engine.outcome import Outcome, safe_text
from orchestrator.engine.results import files, formats, stored
from orchestrator.model.state import State, StateType

_LOG = logging.getLogger("orchestrator.cache")


def look(
    attempt: Attempt, arguments: Mapping[str, Any]
) -> tuple[Any, Outcome, Mapping[str, Any]] | None:
    """Take what lies at an attempt's target.

    Args:
        attempt: What would run.
        arguments: Of ``run``, for a target that names them.

    Returns:
        The value, its outcome, and what the run store keeps of it. None where nothing lies there, or
        nothing that can be read: the task runs, and writes it.

    Raises:
        FlowError: The target cannot be filled in.
    """
    assert attempt.task.lies_at is not None
    location = stored.located(attempt, attempt.task.lies_at, arguments)
    try:
        data = files.read(location)
        said = attempt.task.serializer or formats.of_suffix(location)
        form = said or formats.of_bytes(data)
        value = formats.load(form, data)
    except files.ResultError:
        return None
    except Exception as error:  # a pickle may raise anything
        _LOG.warning("what lies at %s cannot be read: %s", location, safe_text(error))
        return None
    why = f"its result lies at {location}"
    outcome = Outcome(State(StateType.CACHED, why), detail={"cache": why})
    return value, outcome, stored.lying(location, data, form, value).described()

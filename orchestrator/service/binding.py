"""A flow's parameters as a run keeps them: checked, with all defaults, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import OrchestratorError, ParameterError
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import bind_parameters


def bound(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all of a flow's parameters.

    Args:
        flow: The flow.
        given: Values by name, as Python values or text.

    Raises:
        ParameterError: One is missing, unknown or does not fit.
    """
    try:
        values = bind_parameters(flow.parameters(), given, flow=flow.name)
    except OrchestratorError:
        raise
    except Exception as error:  # a flow's own check of a value can raise whatever it likes
        raise ParameterError(
            f"a parameter of flow {flow.name!r} cannot be checked: {type(error).__name__}: {error}"
        ) from error
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }

"""The process of a flow run that a task started: ``python -m orchestrator.service.child``."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow

#: The variable that holds what to run, as JSON: ``project``, ``settings``, ``flow``, ``parameters``,
#: ``run_id``, ``idempotency_key``. (The words of a command can be read by everybody.)
VARIABLE = "ORCHESTRATOR_CHILD_RUN"
_INTERRUPTED = 130


def main() -> int:
    """Run what the environment says; the exit code is 0 if the run succeeded."""
    # Also while it plans; a run that is under way hears it by itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asked = json.loads(os.environ.pop(VARIABLE))
    request = Request(
        asked["parameters"], run_id=asked["run_id"], idempotency_key=asked["idempotency_key"]
    )
    try:
        project = Project.find(Path(asked["project"]), asked["settings"])
        flow = project.flow(asked["flow"])
        return 0 if run_flow(project, flow, request).state.is_successful() else 1
    except OrchestratorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

"""The process that makes a survey: ``python -m orchestrator.service.catalogue.making``.

A process of its own reads a project's modules as they are now, ends with whatever they hang in,
and lets go of every database when it is done.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.secrets import masker
from orchestrator.service.catalogue.coding import encoded
from orchestrator.service.catalogue.survey import Survey, survey
from orchestrator.service.project import Project

#: The variable that holds what to do, as JSON: ``project``, ``settings``, ``digest``, ``file``.
VARIABLE = "ORCHESTRATOR_SURVEY"
#: Said on standard output each time the file holds more.
WRITTEN = "orchestrator-survey-written"


def main() -> int:
    """Survey the project that the environment names; the exit code is 0 if that was done."""
    asked = json.loads(os.environ.pop(VARIABLE))
    logging.disable(logging.CRITICAL)  # what loggers say here, nobody reads
    file = Path(asked["file"])

    def told(found: Survey) -> None:
        write(file, encoded(found))
        print(WRITTEN, flush=True)

    try:
        survey(Project.find(Path(asked["project"]), asked["settings"]), asked["digest"], told)
    except Exception as error:  # modules of somebody's own may raise anything
        what = error.what if isinstance(error, OrchestratorError) else repr(error)
        print(masker().mask(what).replace("\n", " "), file=sys.stderr)
        return 1
    return 0


def write(file: Path, text: bytes) -> None:
    """Write a file that appears whole or not at all, and that nobody else may read."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new:
        new.write(text)
    os.replace(new.name, file)


if __name__ == "__main__":
    sys.exit(main())

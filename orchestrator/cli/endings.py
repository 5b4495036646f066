"""How a command ends that did not simply end: what is printed, what is kept, the exit code."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.errors import OrchestratorError, UsageError

if TYPE_CHECKING:
    from orchestrator.cli.session import Session

INTERRUPTED = 130


class CommandLineError(UsageError):
    """Raised when the command line itself cannot be read."""


class UnexpectedError(OrchestratorError):
    """Raised in place of an error that nobody foresaw; its traceback is in a file."""


def ending(error: BaseException, session: Session) -> int:
    """Tell the person or program of an error, and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        from orchestrator.cli.terminal.printing import hush_stdout

        hush_stdout()
        return 0
    if isinstance(error, click.ClickException):
        return _click(error, session)
    if not isinstance(error, OrchestratorError):
        error = _unexpected(error, session)
    _tell(error, session)
    return error.exit_code


def _click(error: click.ClickException, session: Session) -> int:
    if session.json:
        hint = None
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"{error.ctx.command_path} --help"
        _tell(CommandLineError(error.format_message(), fix=hint), session)
    else:
        error.show()
    return CommandLineError.exit_code


def _tell(error: OrchestratorError, session: Session) -> None:
    if session.json:
        from orchestrator.shapes import values

        print(values.dumps(values.error(error)), flush=True)
        return
    from orchestrator.cli.terminal import errors
    from orchestrator.cli.terminal.printing import write

    write(session.console(stderr=True), errors.picture(error))


def _unexpected(error: BaseException, session: Session) -> OrchestratorError:
    from orchestrator.secrets import masker

    text = masker().mask(f"{type(error).__name__}: {error}".strip())
    return UnexpectedError(
        f"an error that should not happen\n{text[:2000]}",
        where=f"{_kept(error, session)} (the whole traceback)",
        fix="orchestrator doctor shows what may be missing; else report it with that file",
    )


def _kept(error: BaseException, session: Session) -> Path:
    """Write the traceback beside the project's state, or where there is none, into a new folder."""
    from orchestrator import instants
    from orchestrator.secrets import masker

    text = masker().mask("".join(traceback.format_exception(error)))
    name = f"crash-{instants.now():%Y%m%dT%H%M%S%f}.log"
    folder = session.state_dir / "logs" if session.state_dir else None
    try:
        if folder is None:
            raise OSError("no project")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        path = Path(tempfile.mkdtemp(prefix="orchestrator-")) / name
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path

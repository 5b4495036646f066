"""The border to copier: its errors become ours, with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.errors import InfrastructureError, OrchestratorError, UsageError


@contextmanager
def translated(source: str) -> Iterator[None]:
    """Turn what copier raises within the block into an error of ours.

    Args:
        source: The template, as people know it.

    Raises:
        UsageError: An answer does not fit, or the template cannot be used.
        InfrastructureError: The template cannot be fetched.
    """
    from copier.errors import CopierError, UnsafeTemplateError
    from jinja2 import TemplateError
    from plumbum import CommandNotFound, ProcessExecutionError

    try:
        yield
    except KeyboardInterrupt:
        raise
    except UnsafeTemplateError as error:
        raise UsageError(
            f"the template wants to run commands of its own ({error})".replace("\n", " "),
            where=source,
            fix="if you trust it, render it with copier itself: copier copy --trust",
        ) from None
    except CommandNotFound:
        raise UsageError(
            "templates from elsewhere need git, and it is not on the PATH", where=source
        ) from None
    except ProcessExecutionError as error:
        raise _not_fetched(source, str(error.stderr)) from None
    except (CopierError, TemplateError, OSError) as error:
        raise _told(source, "the template cannot be rendered", error) from error
    except ValueError as error:
        raise _told(source, "an answer is missing, or does not fit", error) from error


def _not_fetched(source: str, said: str) -> OrchestratorError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return InfrastructureError(
        f"git could not do its part: {lines[-1] if lines else 'it said nothing'}",
        where=source,
        fix="is the address right, and does `git clone` of it work here?",
    )


def _told(source: str, what: str, error: Exception) -> OrchestratorError:
    text = str(error).strip() or type(error).__name__
    return UsageError(
        f"{what}: {text}",
        where=source,
        fix="answer by --data NAME=VALUE, or at a terminal, where each question is asked",
    )

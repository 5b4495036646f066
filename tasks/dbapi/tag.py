"""Who uses a connection: the flow, run, task and attempt that are told to the database."""

from __future__ import annotations

from orchestrator.model import context

_SHORTEST = 8  #: bytes that are left of a flow's or task's name


def query_tag() -> dict[str, str]:
    """Return flow, run, task and attempt of the attempt that runs here; empty outside one.

    Example:
        >>> query_tag()
        {}
        >>> with context.entered(context.RunContext("a1", "nightly", "load")):
        ...     query_tag()
        {'flow': 'nightly', 'run': 'a1', 'task': 'load', 'attempt': '1'}
    """
    running = context.active()
    if running is None:
        return {}
    return {
        "flow": running.flow,
        "run": running.run_id,
        "task": running.task,
        "attempt": str(running.attempt),
    }


def short_tag(limit: int) -> str:
    """Return the tag as one text of at most so many bytes; long names lose their end first.

    Args:
        limit: Bytes; names become shorter until the text fits, the run comes last.

    Example:
        >>> with context.entered(context.RunContext("a1", "nightly", "load")):
        ...     short_tag(63), short_tag(30)
        ('orchestrator nightly/load#1 a1', 'orchestrator nightly/load#1 a1')
    """
    tag = query_tag()
    if not tag:
        return "orchestrator"
    flow, task = tag["flow"], tag["task"]
    while True:
        text = f"orchestrator {flow}/{task}#{tag['attempt']} {tag['run']}"
        longer = max(flow, task, key=_length)
        if _length(text) <= limit or _length(longer) <= _SHORTEST:
            return text.encode()[:limit].decode(errors="ignore")
        if longer == flow:
            flow = _shorter(flow)
        else:
            task = _shorter(task)


def _length(text: str) -> int:
    return len(text.encode())


def _shorter(name: str) -> str:
    return name.rstrip("~")[:-1] + "~"

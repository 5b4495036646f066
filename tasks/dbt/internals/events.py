"""dbt's events and statements: what a session hears of them, and what nobody reads is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.sql.connections import SQLConnectionManager
from dbt_common.events import event_manager_client
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.contextvars import get_node_info
from dbt_common.events.event_manager import EventManager

QUIET_LEVELS = frozenset({EventLevel.DEBUG, EventLevel.TEST})


#: Events that only draw dbt's own console: the orchestrator shows starts, results and totals itself.
CONSOLE_EVENTS = frozenset(  # one text to the line, as long as the list is
    [
        "Formatting",
        "MainReportVersion",
        "AdapterRegistered",
        "FoundStats",
        "ConcurrencyLine",
        "DefaultSelector",
        "LogStartLine",
        "LogModelResult",
        "LogSeedResult",
        "LogSnapshotResult",
        "LogTestResult",
        "LogNodeResult",
        "LogNodeNoOpResult",
        "LogFunctionResult",
        "LogHookStartLine",
        "LogHookEndLine",
        "SkippingDetails",
        "LogSkipBecauseError",
        "LogStartBatch",
        "FinishedRunningStats",
        "EndOfRunSummary",
        "StatsLine",
        "RunResultError",
        "RunResultErrorNoMessage",
        "RunResultFailure",
        "RunResultWarning",
        "RunResultWarningMessage",
        "SQLCompiledPath",
        "CheckNodeTestFailure",
        "MainEncounteredError",
        "MainStackTrace",
        "LogCancelLine",
        "ResourceReport",
    ]
)


LogSink = Callable[[str | None, str, str], None]


StatementSink = Callable[[str | None, str], None]


class SessionEvents(EventManager):
    """dbt's event stream, with what nobody reads dropped before a message is made of it."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__()
        self._sink = sink

    def add_logger(self, config: Any) -> None:
        """Take no logger: neither dbt's console lines nor its log file are wanted."""

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if not force_warn_or_error_handling and self._unread(e, level or e.level_tag()):
            return
        super().fire_event(e, level, node, force_warn_or_error_handling)

    @staticmethod
    def _unread(event: BaseEvent, level: EventLevel) -> bool:
        console = type(event).__name__ in CONSOLE_EVENTS and level != EventLevel.WARN
        return console or level in QUIET_LEVELS

    def deliver(self, message: Any) -> None:
        """Hand one message to the sink; this is dbt's callback."""
        if message.info.name in CONSOLE_EVENTS or not message.info.msg.strip():
            return
        info = getattr(message.data, "node_info", None)
        unique_id = (info and info.unique_id) or get_node_info().get("unique_id") or None
        self._sink(unique_id, message.info.level, message.info.msg)


@contextmanager
def own_events(events: SessionEvents) -> Iterator[None]:
    """Replace dbt's event manager while a session lives."""
    before = event_manager_client.get_event_manager()
    event_manager_client.ctx_set_event_manager(events)
    try:
        yield
    finally:
        event_manager_client.ctx_set_event_manager(before)


@contextmanager
def own_statements(sink: StatementSink) -> Iterator[None]:
    """Tell of every statement before it runs: the name of dbt's connection, and the text."""
    owner: Any = SQLConnectionManager
    original = owner.add_query

    def add_query(manager: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
        connection = manager.get_if_exists()
        sink(connection and connection.name, sql)
        return original(manager, sql, *args, **kwargs)

    owner.add_query = add_query
    try:
        yield
    finally:
        owner.add_query = original

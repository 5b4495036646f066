"""The tasks that run a query, or a file of queries, on Snowflake and hand on what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.code import Code
from orchestrator.model.dataset import Namespace
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import Result
from orchestrator.model.warehouse import Warehouse
from orchestrator.nearest import nearest
from tasks.snowflake.own_login import OwnLogin, told_by
from tasks.sql.running import run_script
from tasks.sql.script import Script, Transaction
from tasks.sql.session import Data, SqlSession
from tasks.sql.task import SqlTask

FETCH = ("none", "all", "one", "dicts", "df", "arrow")


class Waiting(StrEnum):
    """How a task waits for its query."""

    CONNECTED = "connected"  #: on the connection that it was sent by
    BY_ID = "by_id"  #: it runs by itself, and is asked for by its id


class _SnowflakeTask(SqlTask):
    """A task on Snowflake: on a connection of the project, or by a login of its own.

    Args:
        sql: The text; or
        path: its file.
        login: The login, if it has one of its own.
        warehouse: Name of the connection, where it has none.
        autocommit: False or None: what several statements do is kept together, at their end (DDL
            among them still commits). True: each stands for itself.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.
    """

    def __init__(
        self,
        sql: str | None = None,
        path: str | Path | None = None,
        *,
        login: OwnLogin,
        warehouse: str | None = None,
        autocommit: bool | None = None,
        **task_kwargs: Any,
    ) -> None:
        super().__init__(sql, path, warehouse=None if login else warehouse, **task_kwargs)
        self.login = login
        self.autocommit = autocommit

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any SQL task, with the names of its own connection."""
        return super().facts(key, self.login.planning(planning, self.name))

    def code(self, planning: Planning) -> Code:
        """The script as it runs."""
        return super().code(self.login.planning(planning, self.name))

    def holds(self, planning: Planning) -> Warehouse:
        """Its warehouse, its own too."""
        return super().holds(self.login.planning(planning, self.name))

    def _place_to_run(self, warehouse: Any, arguments: Mapping[str, Any]) -> Any:
        """The connection to use: what the flow gives, or a login that is told when it runs."""
        if isinstance(warehouse, str) or arguments:
            login = self.login.updated(arguments, warehouse)
            if not login:
                raise FlowError(
                    f"{type(self).__name__} {self.name!r} is told how to log in, but not where",
                    fix="give account= too, or the name of a connection: warehouse=…",
                )
            return login.warehouse(self.name)
        if warehouse is None and self.login and self._warehouse is None:
            return self.login.warehouse(self.name)
        return warehouse

    def _own_script(self, place: Any) -> Script:
        """The text it was made with, as it is in this run."""
        self._make_ready(place)
        if self._template is not None:
            return self._template.at(_running())
        return self._script or Script("")

    def _kept(self, script: Script, autocommit: bool | None) -> Script:
        said = self.autocommit if autocommit is None else autocommit
        return replace(script, transaction=Transaction.OFF) if said else script


class SnowflakeQuery(_SnowflakeTask):
    """Runs a query, or several, on Snowflake and returns the result of the last.

    The connection is one of the project's, ``SnowflakeQuery("select 1", warehouse="prod")``; or,
    as in Prefect 1, its own: with ``account=`` all of ``user`` … ``token`` belong to its login, and
    ``warehouse`` is Snowflake's. Values of a login may be ``secret:NAME`` or ``env:NAME``.

    Args:
        query: The SQL; may also be given to ``run``. Only a query given here is read for lineage:
            for others say ``reads=`` and ``writes=``.
        data: Values for its placeholders: a list for ``?`` (or ``%s``), a mapping for ``$name`` (or
            ``%(name)s``). The server binds them.
        warehouse: Name of the connection; the project's default if left out.
        fetch: What is returned: ``all``, a list of tuples; ``one``, a tuple or None; ``dicts``;
            ``df``, a pandas frame; ``arrow``, a pyarrow table; ``none``.
        waiting: ``connected``; or ``by_id``: the server runs each statement by itself, and it is
            asked for by its id, on other connections if one is lost. Then nothing holds statements
            together.
        patience: Seconds without any word of the server, after which ``by_id`` gives up.
        account: Snowflake's account, for a connection of its own.
        user: Who logs in.
        password: The password; or
        private_key: the key, as bytes (DER), in base64 or in PEM form; or
        token: what OAuth gave, with ``authenticator="oauth"``.
        authenticator: How to log in.
        database: Database of names that have none.
        schema: Schema of names that have none.
        role: Snowflake's role.
        autocommit: True: of several statements, each stands for itself.
        cursor_type: The connector's ``DictCursor`` is as ``fetch="dicts"``.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: ``fetch`` or ``waiting`` is none of these.

    Example:
        >>> late = SnowflakeQuery("select count(*) from raw.orders where day = ?", data=["2026-03-01"])
        >>> late.fetch, late.waiting
        ('all', 'connected')
    """

    def __init__(
        self,
        query: str | None = None,
        data: Data = None,
        warehouse: str | None = None,
        fetch: str = "all",
        waiting: str = Waiting.CONNECTED,
        patience: float = 600.0,
        *,
        account: str | None = None,
        user: str | None = None,
        password: str | None = None,
        private_key: bytes | str | None = None,
        database: str | None = None,
        schema: str | None = None,
        role: str | None = None,
        autocommit: bool | None = None,
        cursor_type: type | None = None,
        authenticator: str | None = None,
        token: str | None = None,
        **task_kwargs: Any,
    ) -> None:
        login = OwnLogin.of(locals(), warehouse)
        super().__init__(
            query or "", login=login, warehouse=warehouse, autocommit=autocommit, **task_kwargs
        )
        self.query = query
        self.data = data
        self.fetch = self._one_of("fetch", _by_cursor(cursor_type) or fetch, FETCH)
        self.waiting = self._one_of("waiting", str(waiting), tuple(map(str, Waiting)))
        self.patience = patience

    def run(  # type: ignore[override]
        self,
        query: str | None = None,
        data: Data = None,
        warehouse: Any = None,
        account: str | None = None,
        user: str | None = None,
        password: str | None = None,
        private_key: bytes | str | None = None,
        database: str | None = None,
        schema: str | None = None,
        role: str | None = None,
        autocommit: bool | None = None,
        cursor_type: type | None = None,
        authenticator: str | None = None,
        token: str | None = None,
    ) -> Result:
        """Run the query; what is given here takes the place of what the task was made with.

        Args:
            query: The SQL.
            data: Values for its placeholders.
            warehouse: In a flow, the open connection. Outside, a :class:`Warehouse`; or, with a
                login of its own, Snowflake's.

        Raises:
            FlowError: There is no query, or a login without an account.
            FAIL: A statement failed.
            ConfigurationError: Snowflake refuses the login.
            InfrastructureError: Snowflake cannot be reached.
        """
        place = self._place_to_run(warehouse, told_by(locals()))
        values = self.data if data is None else data
        fetch = _by_cursor(cursor_type) or self.fetch
        if query is None and self.query is None:
            raise FlowError(f"SnowflakeQuery {self.name!r} has no query", fix="give it query=")
        if query is None:
            script = self._own_script(place)
        else:
            script = replace(self._script or Script("", place=self.name), text=query, lines=())
        return self._run_script(self._kept(script, autocommit), place, values, fetch)

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any SQL task; a query that only ``run`` gets is not known here."""
        facts = super().facts(key, planning)
        if self.query is None and not facts.reads and not facts.writes:
            return replace(facts, lineage_unknown="its query is not known before it runs")
        return facts

    def _run_script(self, script: Script, warehouse: Any, data: Data, fetch: str) -> Result:
        def work(session: SqlSession, namespace: Namespace) -> Result:
            from tasks.snowflake.placeholders import as_ours

            text, values = as_ours(script.text, data)
            ready = replace(script, text=text)
            if self.waiting == Waiting.BY_ID:
                session = self._by_id(session)
                ready = replace(ready, transaction=Transaction.OFF)
            return run_script(session, ready, values, fetch, namespace)

        return self._on_session(warehouse, work)

    def _by_id(self, session: Any) -> SqlSession:
        from tasks.snowflake.waiting import ByIdSession

        by_id = ByIdSession(session.connection, session.reconnect)
        by_id.patience = self.patience
        return by_id

    def _one_of(self, what: str, word: str, known: tuple[str, ...]) -> str:
        if word not in known:
            raise FlowError(
                f"SnowflakeQuery {self.name!r} cannot do {what}={word!r}",
                where=self._place(),
                fix=nearest(word, known, "one of "),
            )
        return word


class SnowflakeQueriesFromFile(_SnowflakeTask):
    """Runs the statements of a file on Snowflake and returns what each gives, a list of lists.

    Args:
        file_path: The file, relative to the project's folder.
        warehouse: Name of the connection; the project's default if left out. With ``account=``, it is
            Snowflake's, as in Prefect 1.
        account: Snowflake's account, for a connection of its own.
        user: Who logs in there.
        password: The password, or ``"secret:NAME"``.
        private_key: In place of a password: a key's text, its file, or ``"secret:NAME"``.
        database: Where names without one are.
        schema: Where names without one are.
        role: Whose rights are used.
        authenticator: How to log in, as the connector has it (``oauth``).
        token: For OAuth; or ``"secret:NAME"``.
        autocommit: True: each statement stands for itself; otherwise a file that fails leaves nothing
            behind, but for its DDL, which Snowflake commits.
        cursor_type: The connector's ``DictCursor`` gives dicts in place of tuples.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: There is no ``file_path``.

    Example:
        >>> SnowflakeQueriesFromFile("sql/clean.sql", warehouse="prod").name
        'clean'
    """

    def __init__(
        self,
        file_path: str | Path | None = None,
        warehouse: str | None = None,
        *,
        account: str | None = None,
        user: str | None = None,
        password: str | None = None,
        private_key: bytes | str | None = None,
        database: str | None = None,
        schema: str | None = None,
        role: str | None = None,
        autocommit: bool | None = None,
        cursor_type: type | None = None,
        authenticator: str | None = None,
        token: str | None = None,
        **task_kwargs: Any,
    ) -> None:
        login = OwnLogin.of(locals(), warehouse)
        super().__init__(
            path=file_path, login=login, warehouse=warehouse, autocommit=autocommit, **task_kwargs
        )
        self.fetch = _by_cursor(cursor_type) or "all"

    def run(  # type: ignore[override]
        self,
        warehouse: Any = None,
        account: str | None = None,
        user: str | None = None,
        password: str | None = None,
        private_key: bytes | str | None = None,
        database: str | None = None,
        schema: str | None = None,
        role: str | None = None,
        autocommit: bool | None = None,
        authenticator: str | None = None,
        token: str | None = None,
    ) -> Result:
        """Run the file; what is given here takes the place of what the task was made with.

        Args:
            warehouse: In a flow, the open connection. Outside, a :class:`Warehouse`; or, with a
                login of its own, Snowflake's.

        Raises:
            FAIL: A statement failed; the detail says which, and what of the file was kept.
            ConfigurationError: Snowflake refuses the login.
            InfrastructureError: Snowflake cannot be reached.
        """
        place = self._place_to_run(warehouse, told_by(locals()))
        script = self._own_script(place)
        return self._on_session(place, self._each(self._kept(script, autocommit)))

    def _each(self, script: Script) -> Callable[[SqlSession, Namespace], Result]:
        def work(session: SqlSession, namespace: Namespace) -> Result:
            gathering = _gathering(session, self.fetch)
            done = run_script(gathering, script, None, self.fetch, namespace)
            count = len(gathering.split(script.text))
            return replace(done, value=gathering.gathered[-count:] if count else [])

        return work


def _gathering(session: Any, fetch: str) -> Any:
    from tasks.snowflake.session import SnowflakeSession
    from tasks.sql.session import Outcome, Statement

    class Gathering(SnowflakeSession):
        """Keeps what each statement gives."""

        gathered: list[Any]

        def execute(self, statement: Statement, data: Data = None, _: str = "none") -> Outcome:
            done = super().execute(statement, data, fetch)
            self.gathered.append(done.value)
            return done

    made = Gathering(session.connection, session.reconnect)
    made.gathered = []
    return made


def _by_cursor(cursor_type: type | None) -> str | None:
    """What a class of cursors of the connector means: its ``DictCursor`` gives dicts."""
    names = {kind.__name__ for kind in cursor_type.__mro__} if cursor_type else set()
    return "dicts" if "DictCursor" in names else None


def _running() -> Any:
    from orchestrator.model import context

    return context.active()

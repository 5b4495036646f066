"""A server of our own that answers as Snowflake was recorded to, for what fakesnow cannot do.

Logins that are checked, queries that run by themselves, cancelling, ``ALTER WAREHOUSE``. It runs no
SQL: what a statement answers is told beforehand, or that it was done.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PASSWORD = "the right words"
_DONE = ([("status", "TEXT")], [("Statement executed successfully.",)])
_STATEMENT_TYPES = {"INSERT": 0x3100, "UPDATE": 0x3200, "DELETE": 0x3300, "MERGE": 0x3400}

#: Columns (name, type) and rows of an answer.
Answer = tuple[list[tuple[str, str]], list[tuple[Any, ...]]]


class SnowflakeError(Exception):
    """What the server answers in place of rows."""

    def __init__(self, code: str, state: str, message: str) -> None:
        super().__init__(message)
        self.code, self.state, self.message = code, state, message


CANCELLED = SnowflakeError("000604", "57014", "SQL execution canceled")


@dataclass
class Recorded:
    """What came in, and what goes out."""

    port: int = 0
    logins: list[dict[str, Any]] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    answers: list[tuple[str, Callable[[], Answer]]] = field(default_factory=list)
    #: By query id: its SQL, and whether it is done.
    queries: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    #: How often a query that runs by itself is said to run still.
    looks: int = 2
    #: Whether the schema of a login is there.
    schemas: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    accepts: Callable[[dict[str, Any]], bool] = lambda said: said.get("PASSWORD") == PASSWORD

    @property
    def texts(self) -> list[str]:
        """The statements."""
        return [said["sqlText"] for said in self.statements]

    def answer(self, pattern: str, columns: list[tuple[str, str]], *rows: tuple[Any, ...]) -> None:
        """Say what statements give that fit a pattern."""
        self.answers.append((pattern, lambda: (columns, list(rows))))

    def refuse(self, pattern: str, error: SnowflakeError) -> None:
        """Say why statements fail that fit a pattern."""

        def fail() -> Answer:
            raise error

        self.answers.append((pattern, fail))

    def hang(self, pattern: str) -> None:
        """Have statements that fit a pattern run until they are aborted."""

        def wait() -> Answer:
            assert self.stop.wait(60), "nobody aborted it"
            raise CANCELLED

        self.answers.append((pattern, wait))

    def table(self) -> dict[str, object]:
        """What ``[warehouses.NAME]`` says of it."""
        return {
            "type": "snowflake", "account": "recorded", "user": "tester", "password": PASSWORD,
            "host": "127.0.0.1", "port": self.port, "protocol": "http",
            "database": "SHOP", "schema": "RAW", "connect_timeout": 10, "network_timeout": 20,
        }  # fmt: skip

    def given(self, sql: str) -> Answer:
        """The answer to a statement."""
        found = next((make for p, make in self.answers if re.search(p, sql, re.IGNORECASE)), None)
        return found() if found else _DONE


@contextmanager
def recorded_snowflake() -> Iterator[Recorded]:
    """Start one; it ends with the block."""
    recorded = Recorded()

    class Handler(_Handler):
        server_knows = recorded

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorded.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield recorded
    finally:
        recorded.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_knows: Recorded
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answered({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self._answered(json.loads(body) if body else {})

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answered(self, body: dict[str, Any]) -> None:
        url = urlsplit(self.path)
        try:
            said = self._route(url.path, parse_qs(url.query), body)
        except SnowflakeError as error:
            said = {
                "success": False, "code": error.code, "message": error.message,
                "data": {"sqlState": error.state, "errorCode": error.code},
            }  # fmt: skip
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _route(self, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        if path == "/session/v1/login-request":
            return self._login(query, body["data"])
        if path == "/queries/v1/query-request":
            return self._query(body)
        if path == "/queries/v1/abort-request" or path.endswith("/abort-request"):
            self.server_knows.aborted.append(body.get("sqlText") or path.split("/")[2])
            self.server_knows.states[path.split("/")[2]] = "FAILED_WITH_ERROR"
            self.server_knows.stop.set()
        elif path.startswith("/monitoring/queries/"):
            return self._status(path.rpartition("/")[2])
        return {"success": True, "data": None, "code": None, "message": None}

    def _login(self, query: dict[str, list[str]], said: dict[str, Any]) -> Any:
        self.server_knows.logins.append({**said, "role": query.get("roleName", [None])[0]})
        if not self.server_knows.accepts(said):
            raise SnowflakeError("390100", "08001", "Incorrect username or password was specified.")
        schema = query.get("schemaName", [None])[0] if self.server_knows.schemas else None
        names = {"databaseName": "SHOP", "schemaName": schema}
        return {
            "success": True,
            "data": {
                "token": uuid.uuid4().hex, "masterToken": uuid.uuid4().hex,
                "validityInSeconds": 3600, "parameters": [], "sessionInfo": names,
            },
        }  # fmt: skip

    def _query(self, body: dict[str, Any]) -> Any:
        knows, sql, name = self.server_knows, body["sqlText"], str(uuid.uuid4())
        knows.statements.append(body)
        if body.get("asyncExec"):
            knows.queries[name] = sql
            return {
                "success": True, "code": "333334", "message": "Query execution in progress.",
                "data": {"queryId": name, "getResultUrl": f"/queries/{name}/result"},
            }  # fmt: skip
        scanned = re.search(r"RESULT_SCAN\('([^']+)'\)", sql)
        columns, rows = knows.given(knows.queries[scanned[1]] if scanned else sql)
        return {
            "success": True,
            "data": {
                "parameters": [], "rowtype": [_column(*column) for column in columns],
                "rowset": [[None if v is None else str(v) for v in row] for row in rows],
                "total": len(rows), "returned": len(rows), "queryId": name,
                "queryResultFormat": "json", "finalDatabaseName": "SHOP", "finalSchemaName": "RAW",
                "statementTypeId": _STATEMENT_TYPES.get(sql.split()[0].upper(), 0x1000),
            },
        }  # fmt: skip

    def _status(self, name: str) -> Any:
        knows = self.server_knows
        if name not in knows.queries:
            return {"success": True, "data": {"queries": []}}
        about: dict[str, Any] = {"id": name, "status": knows.states.get(name, "RUNNING")}
        if about["status"] == "RUNNING":
            knows.looks -= 1
            try:
                if knows.looks < 0:
                    knows.given(knows.queries[name])
                    about["status"] = "SUCCESS"
            except SnowflakeError as error:
                about |= {"status": "FAILED_WITH_ERROR", "errorCode": error.code}
                about["errorMessage"] = error.message
        elif about["status"] == "FAILED_WITH_ERROR":
            about |= {"errorCode": CANCELLED.code, "errorMessage": CANCELLED.message}
        return {"success": True, "data": {"queries": [about]}}


def _column(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name, "type": kind, "nullable": True, "length": None, "byteLength": None,
        "precision": 38 if kind == "FIXED" else None, "scale": 0 if kind == "FIXED" else None,
    }  # fmt: skip

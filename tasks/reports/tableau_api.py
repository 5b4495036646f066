"""The few calls of Tableau's REST API that a refresh needs, and what the server says in them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orchestrator.errors import OrchestratorError
from orchestrator.secrets import Secret, masker, resolve
from tasks.http import answers
from tasks.http.errors import HttpRefusedError
from tasks.http.request import Request
from tasks.http.rows import find
from tasks.http.wire import Wire

#: Answers that the server explains in its own form; the others are judged as of any server.
_EXPLAINED = tuple(code for code in range(400, 500) if code not in (408, 425, 429))
_PAGE = 1000
_MOST_PAGES = 1000
_SUCCEEDED, _CANCELLED = 0, 2


class TableauError(OrchestratorError):
    """Raised when Tableau refuses, or a job of it failed.

    Attributes:
        code: Tableau's own (``401001``), for ``retry_on``.
    """

    code: str | None = None


@dataclass(frozen=True)
class Content:
    """A data source or workbook."""

    luid: str
    name: str
    project: str


class Tableau:
    """A server, spoken to over a wire.

    Args:
        wire: The connections.
        server: Its address.
        version: Of the API.
    """

    def __init__(self, wire: Wire, server: str, version: str) -> None:
        self._wire = wire
        self._base = f"{server.rstrip('/')}/api/{version}"
        self._token = ""
        self._site = ""

    def over(self, wire: Wire) -> Tableau:
        """The same, as signed in, over another wire."""
        twin = copy.copy(self)
        twin._wire = wire
        return twin

    def sign_in(self, site: str, token_name: str, token: str | Secret) -> None:
        """Sign in with a personal access token, which is masked from now on.

        Raises:
            TableauError: The server does not take it.
        """
        secret = token.get() if isinstance(token, Secret) else str(resolve(token))
        masker().add(secret)
        credentials = {
            "personalAccessTokenName": str(resolve(token_name)),
            "personalAccessTokenSecret": secret,
            "site": {"contentUrl": site},
        }
        found = self._call("POST", "/auth/signin", {"credentials": credentials})
        self._token = str(find(found, "credentials.token", ""))
        self._site = str(find(found, "credentials.site.id", ""))
        if not self._token or not self._site:
            raise TableauError("Tableau signed in, and gave no token", fix="check the api_version")
        masker().add(self._token)

    def sign_out(self) -> None:
        """Sign out; that it cannot be done is no harm, for tokens end by themselves."""
        if self._token:
            with suppress(OrchestratorError):
                self._call("POST", "/auth/signout")
        self._token = ""

    def named(self, kind: str, name: str) -> list[Content]:
        """Find data sources or workbooks of a name.

        Args:
            kind: ``datasources`` or ``workbooks``.
            name: Compared as it stands.
        """
        return [each for each in self._all(kind, name) if each.name == name]

    def refresh(self, kind: str, luid: str) -> str:
        """Start a refresh, and return the id of its job."""
        found = self._call("POST", f"{self._place}/{kind}/{quote(luid, safe='')}/refresh", {})
        job = find(found, "job.id")
        if not job:
            raise TableauError("Tableau started no job", fix="check the api_version")
        return str(job)

    def ended(self, job: str) -> bool:
        """Whether a job has ended well.

        Raises:
            TableauError: It failed or was cancelled; with what the server noted.
        """
        found = find(self._call("GET", f"{self._place}/jobs/{quote(job, safe='')}"), "job", {})
        if not found.get("completedAt"):
            return False
        code = int(found.get("finishCode", _SUCCEEDED))
        if code == _SUCCEEDED:
            return True
        how = "was cancelled on the server" if code == _CANCELLED else "failed"
        notes = masker().mask("; ".join(dict.fromkeys(_notes(found)))) or "the server says no more"
        raise TableauError(f"the refresh {how}: {notes}", where=f"job {job} of Tableau")

    def cancel(self, job: str) -> None:
        """Ask a job to stop."""
        self._call("PUT", f"{self._place}/jobs/{quote(job, safe='')}")

    @property
    def _place(self) -> str:
        return f"/sites/{quote(self._site, safe='')}"

    def _all(self, kind: str, name: str) -> Iterator[Content]:
        # A name with these signs cannot be asked for: they part the terms of a filter.
        plain = not any(sign in name for sign in ",:")
        params: dict[str, Any] = {"filter": f"name:eq:{name}"} if plain else {}
        for number in range(1, _MOST_PAGES + 1):
            asked = {**params, "pageSize": _PAGE, "pageNumber": number}
            found = self._call("GET", f"{self._place}/{kind}", params=asked)
            for each in find(found, f"{kind}.{kind[:-1]}", []):
                project = str(find(each, "project.name", ""))
                yield Content(str(each.get("id")), str(each.get("name")), project)
            if number * _PAGE >= int(find(found, "pagination.totalAvailable", 0)):
                return

    def _call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["X-Tableau-Auth"] = self._token
        request = Request(self._base + path, method, params or {}, headers, json=body)
        with self._wire.sent(request, accept=_EXPLAINED) as response:
            content = answers.body(response, request)
        if response.status_code >= 400:
            raise _refused(request, response.status_code, content)
        return answers.json_of(content, request) if content else {}


def _refused(request: Request, status: int, content: bytes) -> TableauError:
    try:
        said = find(answers.json_of(content, request), "error")
    except HttpRefusedError:
        said = None
    said = said if isinstance(said, Mapping) else {}
    words = ": ".join(str(said[key]) for key in ("summary", "detail") if said.get(key))
    code = str(said.get("code") or status)
    error = TableauError(
        masker().mask(f"Tableau refuses ({code}): {words or 'it does not say why'}"),
        where=str(request),
        fix=_FIX.get(code) or _FIX.get(str(status)),
    )
    error.code = code
    return error


_FIX = {
    "401": "check token_name, token and site; a token that was not used for 15 days has expired",
    "403": "the owner of the token may not do this: ask for the right to refresh it",
    "404": "check the id, the site and the api_version",
    "409093": "a refresh of it is queued already: wait for that one",
}


def _notes(job: Any) -> Iterable[str]:
    """Every note in what is told of a job."""
    if isinstance(job, Mapping):
        for key, value in job.items():
            if key in ("notes", "text") and isinstance(value, str) and value.strip():
                yield " ".join(value.split())
            else:
                yield from _notes(value)
    elif isinstance(job, list):
        for each in job:
            yield from _notes(each)

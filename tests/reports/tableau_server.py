"""A recorded Tableau server: not Tableau, but what its REST API answers, as its reference has it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.http.site import Answer, Asked, Site

SESSION = "12ab34cd56ef78ab90cd12ef34ab56cd|session-token"
SITE = "9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d"
SALES = "1f2f3e4e-5d6d-7c8c-9b0b-1a2a3f4f5e6e"
JOB = "576b616d-341a-4539-b32c-1ed0eb9db548"


@dataclass
class RecordedTableau:
    """The server's state.

    Args:
        site: Where it answers.
        secret: The personal access token.
        looks: Looks at the job before it has ended.
        finish: ``finishCode`` of the job.
        notes: What is noted of it.
    """

    site: Site
    secret: str = "tableau-secret-token"
    looks: int = 2
    finish: str = "0"
    notes: str = ""
    signed_in: bool = False
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        base = "/api/3.19"
        place = f"{base}/sites/{SITE}"
        self.site.pages = {
            f"{base}/auth/signin": self.sign_in,
            f"{base}/auth/signout": self.sign_out,
            f"{place}/datasources": lambda asked: self.listed(asked, "datasource"),
            f"{place}/workbooks": lambda asked: self.listed(asked, "workbook"),
            f"{place}/datasources/{SALES}/refresh": self.refresh,
            f"{place}/workbooks/{SALES}/refresh": self.refresh,
            f"{place}/jobs/{JOB}": self.job,
        }

    def sign_in(self, asked: Asked) -> Answer:
        given = json.loads(asked.body)["credentials"]
        right = given["personalAccessTokenSecret"] == self.secret
        if not right or given["site"] != {"contentUrl": "retail"}:
            said = f"Error signing in with {given['personalAccessTokenSecret']}"
            return refusal(401, "401001", "Signin Error", said)
        self.signed_in = True
        return Answer(
            {"credentials": {"site": {"id": SITE, "contentUrl": "retail"}, "token": SESSION,
                             "user": {"id": "9f9e9d9c-8b8a-8f8e-7d7c-7b7a6f6d6e6d"}}}
        )  # fmt: skip

    def sign_out(self, asked: Asked) -> Answer:
        self.signed_in = not self._knows(asked)
        return Answer(b"", 204)

    def listed(self, asked: Asked, kind: str) -> Answer:
        if not self._knows(asked):
            return refusal(
                401, "401002", "Unauthorized Access", "Invalid authentication credentials"
            )
        found: list[dict[str, Any]] = [
            {"id": SALES, "name": "Daily sales", "project": {"id": "p1", "name": "Retail"}},
            {"id": "0" * 8, "name": "Twice", "project": {"id": "p1", "name": "Retail"}},
            {"id": SALES, "name": "Twice", "project": {"id": "p2", "name": "Online"}},
            {"id": SALES, "name": "Sales: all, of all", "project": {"id": "p2", "name": "Online"}},
        ]
        wanted = unquote(asked.one("filter")).removeprefix("name:eq:")
        found = [each for each in found if not wanted or each["name"] == wanted]
        pagination = {"pageNumber": "1", "pageSize": "1000", "totalAvailable": str(len(found))}
        return Answer({"pagination": pagination, f"{kind}s": {kind: found}})

    def refresh(self, asked: Asked) -> Answer:
        self.calls.append("refresh")
        job = {"id": JOB, "mode": "Asynchronous", "type": "RefreshExtract",
               "createdAt": "2026-03-01T00:00:00Z"}  # fmt: skip
        return Answer({"job": job}, 202)

    def job(self, asked: Asked) -> Answer:
        if asked.method == "PUT":
            self.calls.append("cancel")
            return Answer(b"", 200)
        self.calls.append("look")
        job: dict[str, Any] = {"id": JOB, "mode": "Asynchronous", "type": "RefreshExtract",
                               "progress": "0", "createdAt": "2026-03-01T00:00:00Z"}  # fmt: skip
        if self.calls.count("look") > self.looks:
            job |= {"progress": "100", "completedAt": "2026-03-01T00:01:00Z",
                    "finishCode": self.finish}  # fmt: skip
            if self.notes:
                job["extractRefreshJob"] = {"notes": self.notes}
        return Answer({"job": job})

    def _knows(self, asked: Asked) -> bool:
        return asked.headers.get("x-tableau-auth") == SESSION


def refusal(status: int, code: str, summary: str, detail: str) -> Answer:
    """What the server says where it refuses."""
    return Answer({"error": {"summary": summary, "detail": detail, "code": code}}, status)

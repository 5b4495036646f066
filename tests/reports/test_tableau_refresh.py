"""TableauRefresh, on a recorded server: signing in and out, waiting for the job, refusals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from orchestrator.secrets import EnvironmentSecrets, provided_by
from tasks.http.errors import HttpUnavailableError
from tasks.reports.tableau import TableauRefresh
from tasks.reports.tableau_api import TableauError
from tests.http.site import Answer, Asked, serving
from tests.reports.tableau_server import JOB, SALES, SESSION, SITE, RecordedTableau, refusal


@pytest.fixture
def tableau() -> Iterator[RecordedTableau]:
    """The server."""
    with serving() as site:
        yield RecordedTableau(site)


def refresh(tableau: RecordedTableau, **arguments: Any) -> Any:
    given: dict[str, Any] = {
        "site": "retail", "token_name": "nightly", "token": "secret:TABLEAU", "interval": 0.01,
    }  # fmt: skip
    if "workbook" not in arguments:
        given["datasource"] = "Daily sales"
    secret = arguments.pop("secret", tableau.secret)
    with provided_by(EnvironmentSecrets({"ORCHESTRATOR_SECRET_TABLEAU": secret})):
        return TableauRefresh(tableau.site.url, **{**given, **arguments}).run()


def test_a_data_source_by_name(tableau: RecordedTableau) -> None:
    result = refresh(tableau)
    assert result.value == JOB
    assert result.message.startswith("datasource 'Daily sales' refreshed in")
    assert tableau.calls == ["refresh", "look", "look", "look"]
    assert not tableau.signed_in, "it signs out"
    assert tableau.site.asked[-1].path == "/api/3.19/auth/signout"


def test_a_workbook_by_id(tableau: RecordedTableau) -> None:
    assert refresh(tableau, workbook=SALES).value == JOB
    assert not [asked for asked in tableau.site.asked if asked.path.endswith("/workbooks")]


def test_names_that_are_not_unique_or_not_there(tableau: RecordedTableau) -> None:
    with pytest.raises(FlowError, match=r"there are 2 datasources 'Twice' .* 'Online', 'Retail'"):
        refresh(tableau, datasource="Twice")
    assert refresh(tableau, datasource="Twice", project="Online").value == JOB
    with pytest.raises(FlowError, match="no datasource 'Nothing' on Tableau"):
        refresh(tableau, datasource="Nothing")
    assert not tableau.signed_in


def test_a_name_that_no_filter_takes(tableau: RecordedTableau) -> None:
    assert refresh(tableau, datasource="Sales: all, of all").value == JOB


def test_a_refresh_that_fails_says_why(tableau: RecordedTableau) -> None:
    tableau.finish, tableau.notes = "1", "The credentials of marts\nhave expired"
    with pytest.raises(
        TableauError, match="failed: The credentials of marts have expired"
    ) as raised:
        refresh(tableau)
    assert raised.value.where == f"job {JOB} of Tableau"
    assert not tableau.signed_in
    tableau.finish, tableau.notes = "2", ""
    with pytest.raises(TableauError, match="cancelled on the server: the server says no more"):
        refresh(tableau)


def test_a_wrong_token_is_never_echoed(
    tableau: RecordedTableau, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "orchestrator")
    wrong = "wrong-token-123456"
    with pytest.raises(TableauError, match=r"\(401001\): Signin Error: Error signing") as raised:
        refresh(tableau, secret=wrong)
    assert wrong not in str(raised.value) + caplog.text
    assert raised.value.code == "401001"
    with pytest.raises(TableauError, match="401001") as raised:
        refresh(tableau, token=wrong)  # written as it is
    assert wrong not in str(raised.value)


def test_a_refresh_that_is_queued_already(tableau: RecordedTableau) -> None:
    path = f"/api/3.19/sites/{SITE}/datasources/{SALES}/refresh"
    tableau.site.page(path, refusal(409, "409093", "Resource Conflict", "Job is already queued"))
    with pytest.raises(TableauError, match="already queued") as raised:
        refresh(tableau)
    assert raised.value.fix == "a refresh of it is queued already: wait for that one"
    assert SESSION not in str(raised.value)


def test_looks_that_fail_are_borne_for_a_while(tableau: RecordedTableau) -> None:
    path = f"/api/3.19/sites/{SITE}/jobs/{JOB}"
    right = tableau.site.pages[path]
    failing = iter([True, True, False, True])
    tableau.site.pages[path] = lambda asked: (
        Answer(b"", 503) if next(failing, False) else right(asked)
    )
    assert refresh(tableau).value == JOB
    tableau.site.page(path, Answer(b"", 503))
    with pytest.raises(HttpUnavailableError, match="answered 503"):
        refresh(tableau)


def test_it_gives_up_waiting(tableau: RecordedTableau) -> None:
    tableau.looks = 10_000
    with pytest.raises(TableauError, match=r"has not ended after 0.05 s"):
        refresh(tableau, wait_for=0.05)
    assert not tableau.signed_in


def test_a_cancelled_task_cancels_the_job(tableau: RecordedTableau) -> None:
    running = context.RunContext("r", "f", "t")
    path = f"/api/3.19/sites/{SITE}/jobs/{JOB}"
    right = tableau.site.pages[path]

    def look(asked: Asked) -> Answer:
        if asked.method == "GET":
            running.cancelled.set()
        return right(asked)

    tableau.site.pages[path] = look
    with context.entered(running), pytest.raises(FAIL, match="cancelled"):
        refresh(tableau, interval=60)
    assert tableau.calls[-1] == "cancel"
    assert not tableau.signed_in


def test_an_older_version_of_the_api(tableau: RecordedTableau) -> None:
    with pytest.raises(TableauError, match=r"\(404\): it does not say why"):
        refresh(tableau, api_version="3.4")
    assert tableau.site.asked[0].path == "/api/3.4/auth/signin"


def test_what_cannot_be_refreshed() -> None:
    with pytest.raises(FlowError, match="what to refresh once"):
        TableauRefresh("https://t", token_name="n", token="secret:T")
    with pytest.raises(FlowError, match="no version"):
        TableauRefresh("https://t", workbook="w", token_name="n", token="x", api_version="../x")

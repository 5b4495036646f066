"""MailReport, sent to a real mail server: what arrives, who is refused, what is never said."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from orchestrator.secrets import EnvironmentSecrets, provided_by
from tasks.files.failures import FileMissingError
from tasks.reports import Chart, ReportTable, Text
from tasks.reports.mail import MailReport
from tasks.reports.smtp import MailRefusedError, MailUnavailableError
from tests.reports.mail_server import Postbox, serving

PASSWORD = "correct horse battery"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Postbox]:
    """A server that takes mail from anybody."""
    with serving(tmp_path) as found:
        yield found


def mail(box: Postbox, *sections: Any, **arguments: Any) -> MailReport:
    given: dict[str, Any] = {
        "to": ["Ann <ann@example.com>", "bob@example.com"], "subject": "Figures",
        "sender": "Reports <reports@example.com>", "host": "127.0.0.1", "port": box.port,
        "security": "none",
    }  # fmt: skip
    given.update(arguments)
    return MailReport(given.pop("to"), given.pop("subject"), sections, **given)


def test_what_arrives(box: Postbox, warehouse: Any, tmp_path: Path) -> None:
    book = tmp_path / "book ü.xlsx"
    book.write_bytes(b"PK-not-really")
    task = mail(
        box, ReportTable("select day, orders from marts.days order by day", "Days", totals=["orders"]),
        Chart("marts.days", x="day", y="revenue", title="Revenue <b>"), Text("Ende gut."),
        subject="Zahlen für\nMärz", intro="Hello.", cc="cy@example.com", bcc=["dan@example.com"],
    )  # fmt: skip
    result = task.run(attachments=[str(book)], warehouse=warehouse)
    ((sender, people, arrived),) = box.mails
    assert result.value == arrived["Message-ID"]
    assert result.message.startswith("sent to 4 addresses, ")
    assert sender == "reports@example.com"
    assert people == ["ann@example.com", "bob@example.com", "cy@example.com", "dan@example.com"]
    assert arrived["Subject"] == "Zahlen für März"
    assert arrived["To"] == "Ann <ann@example.com>, bob@example.com"
    assert "dan" not in arrived.as_string(), "nobody sees who got a blind copy"
    (attached,) = arrived.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("book ü.xlsx", b"PK-not-really")


def test_the_body_in_html_and_in_plain_text(box: Postbox, warehouse: Any) -> None:
    mail(
        box, ReportTable("select day, orders from marts.days order by day", "Days", max_rows=2),
        Chart("marts.days", x="day", y="revenue", title="Revenue <b>"),
    ).run(warehouse=warehouse)  # fmt: skip
    arrived = box.mails[0][2]
    html = arrived.get_body(("html",))
    plain = arrived.get_body(("plain",))
    assert html is not None
    assert plain is not None
    page = html.get_content()
    pictures = [p for p in arrived.walk() if p.get_content_type() == "image/png"]
    assert pictures[0].get_content().startswith(b"\x89PNG")
    assert f'src="cid:{pictures[0]["Content-ID"][1:-1]}"' in page
    assert 'alt="Revenue &lt;b&gt;"' in page
    assert "var(" not in page, "mail programs do not know variables"
    assert "http" not in page.replace("http-equiv", "")
    lines = plain.get_content().splitlines()
    assert lines[3:8] == [
        "Days", "day         orders", "2026-03-01       0", "2026-03-02   1,000",
        "3 more rows are not shown",
    ]  # fmt: skip
    assert "[chart: Revenue <b>]" in lines


def test_signing_in_over_starttls(tmp_path: Path) -> None:
    with serving(tmp_path, PASSWORD) as box:
        task = mail(
            box, Text("x"), security="starttls", user="me", password="secret:SMTP",
            verify=box.authority,
        )  # fmt: skip
        assert PASSWORD not in repr(vars(task))
        with provided_by(EnvironmentSecrets({"ORCHESTRATOR_SECRET_SMTP": PASSWORD})):
            task.run()
        assert (len(box.mails), box.signed_in) == (1, ["me"])
        wrong = "wrong-password-9"
        secrets = EnvironmentSecrets({"ORCHESTRATOR_SECRET_SMTP": wrong})
        with provided_by(secrets), pytest.raises(MailRefusedError, match="let 'me' in") as raised:
            task.run()
        assert wrong not in str(raised.value)
        assert raised.value.code == "535"
        with pytest.raises(MailRefusedError, match=r"certificate .* is not trusted"):
            mail(box, Text("x"), security="starttls", user="me", password="x").run()


def test_a_server_that_has_no_starttls(box: Postbox) -> None:
    with pytest.raises(MailRefusedError, match="STARTTLS"):
        mail(box, Text("x"), security="starttls").run()


def test_addresses_that_are_refused(box: Postbox) -> None:
    box.refused["bob@example.com"] = "550 no such user"
    with pytest.raises(MailRefusedError, match=r"1 of 2 got it: bob@example.com: 550 no such user"):
        mail(box, Text("x")).run()
    assert box.mails[0][1] == ["ann@example.com"]
    box.refused["ann@example.com"] = "550 gone"
    with pytest.raises(MailRefusedError, match="nobody got it"):
        mail(box, Text("x")).run()
    box.refused = dict.fromkeys(["ann@example.com", "bob@example.com"], "451 later, please")
    with pytest.raises(MailUnavailableError, match="later, please"):
        mail(box, Text("x")).run()
    assert len(box.mails) == 1


def test_answers_to_the_mail(box: Postbox) -> None:
    box.answer = "452 full"
    with pytest.raises(MailUnavailableError, match="answered 452: full") as raised:
        mail(box, Text("x")).run()
    assert raised.value.code == "452"
    box.answer = "554 looks like spam"
    with pytest.raises(MailRefusedError, match="answered 554: looks like spam"):
        mail(box, Text("x")).run()


def test_nobody_there(box: Postbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(MailUnavailableError, match=f"127.0.0.1:{port} cannot be talked to"):
            mail(box, Text("x"), port=port).run()


def test_a_server_that_says_nothing(box: Postbox) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(MailUnavailableError, match="timed out"):
            mail(box, Text("x"), port=port, connect_timeout=0.2).run()


def test_files_that_cannot_be_attached(box: Postbox, tmp_path: Path) -> None:
    with pytest.raises(FileMissingError, match=r"nothing\.pdf"):
        mail(box, attachments=str(tmp_path / "nothing.pdf")).run()
    (tmp_path / "big.bin").write_bytes(b"x" * 5000)
    with pytest.raises(FlowError, match="larger than 4,000 bytes"):
        mail(box, attachments=str(tmp_path / "big.bin"), max_bytes=4000).run()
    with pytest.raises(FlowError, match="larger than 6,000 bytes"):
        mail(box, attachments=str(tmp_path / "big.bin"), max_bytes=6000).run()
    assert not box.mails


def test_a_query_that_fails_sends_nothing(box: Postbox, warehouse: Any) -> None:
    with pytest.raises(FAIL, match="nowhere"):
        mail(box, "select * from nowhere").run(warehouse=warehouse)
    assert not box.mails


def test_what_it_reads(box: Postbox) -> None:
    task = mail(box, attachments=["out/book.xlsx"], reads=["marts.days"])
    assert task.reads == ("marts.days", "out/book.xlsx")


def test_mails_that_cannot_be_sent(box: Postbox) -> None:
    for arguments, message in [
        ({"to": []}, "goes to nobody"),
        ({"to": "nobody"}, "no mail address"),
        ({"to": "a@example.com\nBcc: b@example.com"}, "no mail address"),
        ({"security": "ssl"}, "no security 'ssl'"),
        ({"password": "x"}, "sent for all to read"),
    ]:
        with pytest.raises(FlowError, match=message):
            mail(box, **arguments)


def test_a_cancelled_attempt_is_cut_off(box: Postbox) -> None:
    running = context.RunContext("r", "f", "t")
    with socket.socket() as silent, context.entered(running):
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        running.cancelled.set()
        with pytest.raises(FAIL, match="cancelled"):
            mail(box, Text("x"), port=silent.getsockname()[1], connect_timeout=120).run()

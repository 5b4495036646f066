"""The task that sends tables and charts by mail, with files attached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.signals import Result
from orchestrator.secrets import Secret
from tasks.http.task import PASSING
from tasks.reports.message import Attachment, Envelope, message, read_attachments
from tasks.reports.page import Heading, made_by, parts_of
from tasks.reports.queries import QueryTask
from tasks.reports.sections import Section
from tasks.reports.smtp import Server, send


class MailReport(QueryTask):
    """Sends a mail whose body is made of tables and charts, and that may have files attached.

    The body is HTML that mail programs show (charts are pictures within the mail: nothing is loaded
    from anywhere), with a plain text beside it.

    Args:
        to: Addresses; one text, or several.
        subject: One line.
        sections: As :class:`~tasks.reports.html.HtmlReport` has them; may be empty.
        intro: Words above them.
        attachments: Files (paths, or URLs as fsspec takes them) to send along; read when it runs,
            and so datasets that this task reads.
        sender: Address that it comes from.
        cc: Further addresses.
        bcc: Addresses that the others do not see.
        host: The mail server.
        port: Its port; 587, or 465 with ``security="tls"``, or 25 with ``"none"``, if left out.
        security: ``starttls``, ``tls`` (from the first byte), or ``none``.
        user: Who signs in; nobody if left out. May be a secret (``secret:NAME``).
        password: A secret: ``secret:NAME`` or ``env:NAME``. It is sent over ``tls`` or ``starttls``
            only.
        verify: Path of the certificates that are trusted; those of the system if left out.
        connect_timeout: Seconds for each step of the conversation.
        max_bytes: The largest mail; 20 MiB if left out, for many servers refuse more.
        reads: Further datasets to wait for.
        query_args: ``warehouse``, the connection; ``params``, texts for ``{{ params.name }}`` in the
            queries; and what any :class:`~orchestrator.model.task.Task` takes.

    Raises:
        FAIL: A query failed.
        MailUnavailableError: The server cannot be reached, or asks to come again later.
        MailRefusedError: It refuses who signs in, the sender, an address or the mail.

    Example:
        >>> from tasks.reports import ReportTable
        >>> mail = MailReport("team@example.com", "Figures of yesterday",
        ...                   [ReportTable("marts.daily", "Days", max_rows=20)],
        ...                   sender="reports@example.com", host="smtp.example.com",
        ...                   user="reports", password="secret:SMTP_PASSWORD")
        >>> mail.envelope.to
        ('team@example.com',)
    """

    def __init__(
        self,
        to: str | Sequence[str],
        subject: str,
        sections: Section | str | Sequence[Section | str] = (),
        *,
        sender: str,
        host: str,
        intro: str = "",
        attachments: str | Sequence[str] = (),
        cc: str | Sequence[str] = (),
        bcc: str | Sequence[str] = (),
        port: int | None = None,
        security: str = "starttls",
        user: str | Secret | None = None,
        password: str | Secret | None = None,
        verify: str | None = None,
        connect_timeout: float = 30.0,
        max_bytes: int = 20 * 2**20,
        reads: str | Sequence[str] = (),
        **query_args: Any,
    ) -> None:
        files, declared = _listed(attachments), _listed(reads)
        query_args.setdefault("retry_on", PASSING)
        super().__init__(sections, reads=(*declared, *files), **query_args)
        self.envelope = Envelope(sender, _listed(to), _listed(cc), _listed(bcc), subject)
        self.server = Server(host, port, security, user, password, verify, connect_timeout)
        self.intro = intro
        self.attachments = files
        self.max_bytes = max_bytes
        if not self.envelope.everyone:
            raise FlowError(f"mail {self.name!r} goes to nobody", fix="give to=")

    def run(
        self,
        frames: Mapping[str, Any] | None = None,
        attachments: Sequence[str] | str | None = None,
        warehouse: Any = None,
    ) -> Result:
        """Send it.

        Args:
            frames: Frames (pandas, polars, Arrow, lists of dicts) that sections name.
            attachments: Files besides those that the task was made with, as results of other tasks.
            warehouse: A :class:`Warehouse` to ask outside a flow; in one, the open connection.

        Returns:
            The mail's id.
        """
        with self.opened(warehouse, frames) as rows:
            parts = parts_of(self, rows)
        heading = Heading(self.envelope.subject, self.intro, made_by())
        given = (*self.attachments, *_listed(attachments or ()))
        files: list[Attachment] = read_attachments(given, self.max_bytes)
        mail = message(self.envelope, heading, parts, files)
        size = send(self.server, self.envelope, mail, self.max_bytes)
        people = len(self.envelope.everyone)
        told = f"{people:,} address{'' if people == 1 else 'es'}"
        return Result(mail["Message-ID"], message=f"sent to {told}, {size:,} bytes")


def _listed(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)

"""The mail that a report becomes: HTML with its pictures inside, plain text beside it, files attached."""

from __future__ import annotations

import mimetypes
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from functools import lru_cache
from importlib.resources import files
from typing import Any

from orchestrator import instants
from orchestrator.errors import FlowError
from tasks.files.failures import FileMissingError
from tasks.files.place import reach
from tasks.reports.charts import Drawn
from tasks.reports.page import Heading, Part, written
from tasks.reports.sections import Text

_TEXT_ROWS = 20  #: rows of each table in the plain text


@dataclass(frozen=True)
class Envelope:
    """Who writes to whom about what."""

    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str

    def __post_init__(self) -> None:
        for address in (self.sender, *self.everyone):
            bare = parseaddr(address)[1]
            if "@" not in bare or any(sign in address for sign in "\r\n"):
                raise FlowError(f"{address!r} is no mail address", fix="write name@example.com")

    @property
    def everyone(self) -> tuple[str, ...]:
        """All addresses that it goes to."""
        return tuple(dict.fromkeys((*self.to, *self.cc, *self.bcc)))


@dataclass(frozen=True)
class Attachment:
    """A file to send along."""

    name: str
    content: bytes


def read_attachments(addresses: Iterable[str], max_bytes: int) -> list[Attachment]:
    """Read files.

    Args:
        addresses: Paths, or URLs as fsspec takes them.
        max_bytes: The most that all of them may hold.

    Raises:
        FileMissingError: One is not there.
        FlowError: They are too large for a mail.
    """
    found: list[Attachment] = []
    left = max_bytes
    for address in addresses:
        place = reach(address)
        listed = place.files()
        if not listed:
            raise FileMissingError(f"there is no file {address}", fix="it should be attached")
        for file in listed:
            left -= file.size or 0
            if left < 0:
                raise too_large(max_bytes)
            with place.open(file) as stream:
                found.append(Attachment(posixpath.basename(file.inner), stream.read()))
    return found


def message(
    envelope: Envelope, heading: Heading, parts: Sequence[Part], attached: Sequence[Attachment]
) -> EmailMessage:
    """Put a mail together."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(envelope.subject.split())
    mail["From"] = envelope.sender
    for name, addresses in (("To", envelope.to), ("Cc", envelope.cc)):
        if addresses:
            mail[name] = ", ".join(addresses)
    mail["Date"] = format_datetime(instants.now())
    mail["Message-ID"] = make_msgid(domain=parseaddr(envelope.sender)[1].rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(heading, parts))
    _add_html(mail, heading, parts)
    for file in attached:
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return mail


def plain(heading: Heading, parts: Sequence[Part]) -> str:
    """The report in letters alone."""
    lines = [heading.title, "=" * len(heading.title), ""]
    if heading.intro:
        lines += [heading.intro, ""]
    for part in parts:
        lines += [*_plain_part(part), ""]
    return "\n".join([*lines, heading.footer, ""])


def too_large(max_bytes: int) -> FlowError:
    """What is raised where a mail would be too large."""
    return FlowError(
        f"the mail is larger than {max_bytes:,} bytes",
        fix="put the file where people can fetch it, or give a larger max_bytes",
    )


def _add_html(mail: EmailMessage, heading: Heading, parts: Sequence[Part]) -> None:
    from markupsafe import Markup, escape

    drawings = {n: part for n, part in enumerate(parts) if isinstance(part, Drawn)}
    ids = {number: make_msgid(domain="report") for number in drawings}
    pictures = {
        number: Markup(
            f'<img src="cid:{ids[number][1:-1]}" alt="{escape(part.section.title or "chart")}">'
        )
        for number, part in drawings.items()
    }
    text = written(heading, parts, pictures, _style(), images="cid:")
    mail.add_alternative(text, subtype="html")
    html: Any = list(mail.iter_parts())[-1]
    for number, part in drawings.items():
        name = f"chart{number}.png"
        html.add_related(part.png(), "image", "png", cid=ids[number], filename=name)


def _plain_part(part: Part) -> list[str]:
    if isinstance(part, Text):
        return [*filter(None, [part.title]), part.text]
    if isinstance(part, Drawn):
        return [f"[chart: {part.section.title or 'without a title'}]"]
    rows = [[column.label for column in part.columns], *part.rows[:_TEXT_ROWS]]
    rows += [part.totals] if part.totals else []
    widths = [max(len(value) for value in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            value.rjust(wide) if column.numeric else value.ljust(wide)
            for value, wide, column in zip(row, widths, part.columns, strict=True)
        ).rstrip()
        for row in rows
    ]
    left = part.count - min(len(part.rows), _TEXT_ROWS)
    more = [f"{left:,} more rows are not shown"] if left else []
    return [*filter(None, [part.title]), *lines, *more, *filter(None, [part.note])]


@lru_cache(maxsize=1)
def _style() -> str:
    return files("tasks.reports").joinpath("mail.css").read_text(encoding="utf-8").strip()

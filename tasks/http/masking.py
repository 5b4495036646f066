"""Hides secrets of requests: in URLs, in the lines that httpx logs, and from now on in all text."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from orchestrator.secrets import MASK, is_sensitive, masker

_MORE = re.compile(
    r"^(key|sig|signature|code|auth|authorization|cookie|x-amz-signature|x-amz-credential)$"
    r"|api[-_]?key|password|session[-_]?id",
    re.IGNORECASE,
)
#: Tokens of this kind lead to the next page; each is new, and none lets anybody in.
_OF_PAGES = re.compile(r"(page|next|cursor|continuation|skip|sync)[-_]?token", re.IGNORECASE)
_PARAMETER = re.compile(r"(?<=[?&#;])([^=&#;\s]+)=([^&#;\s]*)")
_USER = re.compile(r"(?<=://)[^/@\s]+@")
_SCHEME = re.compile(r"^(bearer|basic|token|digest|apikey)\s+", re.IGNORECASE)


def shown(url: object) -> str:
    """Return a URL for logs and errors, without user, password and tokens.

    Example:
        >>> shown("https://me:pw@api.example.com/v1?token=abc&page=2")
        'https://***@api.example.com/v1?token=***&page=2'
    """
    return masker().mask(_PARAMETER.sub(_parameter, _USER.sub(f"{MASK}@", str(url))))


def remember(headers: Mapping[str, Any], url: str, params: Iterable[tuple[str, Any]] = ()) -> None:
    """Mask from now on what stands under names that sound secret.

    Args:
        headers: Of the request.
        url: Its URL.
        params: Parameters added to it.
    """
    named = [*headers.items(), *params, *parse_qsl(urlsplit(url).query)]
    for name, value in named:
        if _secret(str(name)):
            masker().add(_SCHEME.sub("", str(value)))


def _secret(name: str) -> bool:
    if _OF_PAGES.search(name):
        return False
    return bool(_MORE.search(name)) or is_sensitive(name.replace("-", "_"))


def _parameter(found: re.Match[str]) -> str:
    return f"{found[1]}={MASK}" if _secret(found[1]) else found[0]


class _Shown(logging.Filter):
    """Masks the URLs in httpx's own log lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                shown(value) if type(value).__name__ == "URL" else value for value in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_Shown())

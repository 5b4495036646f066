"""Names in the path of a request: a slash within a name stays apart from the slashes between names."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Path
from pydantic import BeforeValidator, StringConstraints
from starlette.types import Scope

_WORD = r"^[^\x00-\x1f\x7f]+$"
_MOST = 200


def apart(scope: Scope) -> str:
    """The path of a request with each name decoded, but for the slashes and percents within names.

    What the server decoded has lost which slashes were part of a name, so what was sent is read.

    Example:
        >>> apart({"path": "/flows/a/b c/plan", "raw_path": b"/flows/a%2Fb%20c/plan"})
        '/flows/a%2Fb c/plan'
    """
    sent = scope.get("raw_path")
    if sent is None:  # what names had in them cannot be known any more
        decoded: str = scope["path"]
        return decoded.replace("%", "%25")
    return "/".join(_kept(unquote_to_bytes(name)) for name in sent.split(b"/"))


def _kept(name: bytes) -> str:
    return name.decode("utf-8", "replace").replace("%", "%25").replace("/", "%2F")


def whole(name: object) -> object:
    """A name as it is, of what `apart` left of it in a path.

    Example:
        >>> whole("a%2Fb")
        'a/b'
    """
    return name.replace("%2F", "/").replace("%25", "%") if isinstance(name, str) else name


#: Name of a flow in what is sent.
FlowName = Annotated[str, StringConstraints(min_length=1, max_length=_MOST, pattern=_WORD)]
#: Of a path: which flow.
FlowPath = Annotated[
    str,
    BeforeValidator(whole),
    Path(
        alias="flow", min_length=1, max_length=_MOST, pattern=_WORD,
        description="Name of the flow.", examples=["nightly"],
    ),
]  # fmt: skip

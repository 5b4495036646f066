"""The page: files that were built beforehand, read when the server starts, answered by address."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from orchestrator.server.security.gate import path_of

PAGE = Path(__file__).parent / "page"

_INDEX = "/index.html"
_PARTS = "/assets/"
_NOT_BUILT = "The page is not built. `make ui` builds it; the API under /api/v1 works without it.\n"
_NO_PART = "There is no such part of the page: it is another version now. Load the page again.\n"
_FOR_EVER = "public, max-age=31536000, immutable"
#: Files beside a file that hold it compressed, the smallest first.
_PACKED = ((".br", "br"), (".gz", "gzip"))


@dataclass(frozen=True)
class Asset:
    """One file of the page.

    Args:
        body: What is in it.
        kind: Its media type.
        packed: The same compressed, by the name of the encoding.
        tag: Changes with what is in it.
        lasts: Whether its name does, too, so that browsers may keep it.
    """

    body: bytes
    kind: str
    packed: dict[str, bytes]
    tag: str
    lasts: bool


class Page:
    """Answers for the files of a folder, and with the page itself for every other address.

    The files are kept in memory, so that what a server answers stays of one version, also when another
    one is built or installed while it runs.

    Args:
        folder: Where the page was built to. What comes from outside is only ever looked up among
            the addresses of the files that are there: no path is made of it.
    """

    def __init__(self, folder: Path = PAGE) -> None:
        self._assets = dict(_found(folder)) if folder.is_dir() else {}

    def answer(self, request: Request) -> Response:
        """The file at the request's address; the page if there is none."""
        path = path_of(request.scope)
        asset = self._assets.get(_INDEX)
        if asset is None:
            return PlainTextResponse(_NOT_BUILT, 404)
        if path in self._assets or path.startswith(_PARTS):
            asset = self._assets.get(path)
        if asset is None:
            return PlainTextResponse(_NO_PART, 404, {"cache-control": "no-cache"})
        name, body = _best(asset, request.headers)
        headers = {
            "cache-control": _FOR_EVER if asset.lasts else "no-cache",
            "etag": f'"{asset.tag}{name and "-" + name}"',
            "vary": "Accept-Encoding",
        }
        if name:
            headers["content-encoding"] = name
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=asset.kind)


def _found(folder: Path) -> list[tuple[str, Asset]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    return [
        (f"/{path.relative_to(folder).as_posix()}", _asset(path, folder))
        for path in files
        if not path.name.endswith((".br", ".gz"))
    ]


def _asset(path: Path, folder: Path) -> Asset:
    packed = {name: path.with_name(path.name + end) for end, name in _PACKED}
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(
        path.read_bytes(),
        "text/javascript" if path.suffix in (".js", ".mjs") else kind,
        {name: file.read_bytes() for name, file in packed.items() if file.is_file()},
        hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        "assets" in path.relative_to(folder).parts,
    )


def _best(asset: Asset, headers: Headers) -> tuple[str, bytes]:
    """The name of the encoding to send, empty for none, and what is sent."""
    taken = {
        part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")
    }
    for _, name in _PACKED:
        if name in taken and name in asset.packed:
            return name, asset.packed[name]
    return "", asset.body

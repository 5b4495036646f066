"""The page: files that were built beforehand, known by their addresses when the server starts."""

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
_FOR_EVER = "public, max-age=31536000, immutable"
#: Files beside a file that hold it compressed, the smallest first.
_PACKED = ((".br", "br"), (".gz", "gzip"))


@dataclass(frozen=True)
class Asset:
    """One file of the page.

    Args:
        path: Where it lies.
        kind: Its media type.
        packed: Where it lies compressed, by the name of the encoding.
        tag: Changes with what is in it.
        lasts: Whether its name does, too, so that browsers may keep it.
    """

    path: Path
    kind: str
    packed: dict[str, Path]
    tag: str
    lasts: bool


class Page:
    """Answers for the files of a folder, and with the page itself for every other address.

    Args:
        folder: Where the page was built to. What comes from outside is only ever looked up among
            the addresses of the files that are there: no path is made of it.
    """

    def __init__(self, folder: Path = PAGE) -> None:
        self._assets = dict(_found(folder)) if folder.is_dir() else {}

    def answer(self, request: Request) -> Response:
        """The file at the request's address; the page if there is none."""
        asset = self._assets.get(path_of(request.scope)) or self._assets.get(_INDEX)
        if asset is None:
            return PlainTextResponse(_NOT_BUILT, 404)
        name, file = _best(asset, request.headers)
        headers = {
            "cache-control": _FOR_EVER if asset.lasts else "no-cache",
            "etag": f'"{asset.tag}{name and "-" + name}"',
            "vary": "Accept-Encoding",
        }
        if name:
            headers["content-encoding"] = name
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(file.read_bytes(), headers=headers, media_type=asset.kind)


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
        path,
        "text/javascript" if path.suffix in (".js", ".mjs") else kind,
        {name: file for name, file in packed.items() if file.is_file()},
        hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        "assets" in path.relative_to(folder).parts,
    )


def _best(asset: Asset, headers: Headers) -> tuple[str, Path]:
    """The name of the encoding to send, empty for none, and the file that has it."""
    taken = {
        part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")
    }
    for _, name in _PACKED:
        if name in taken and name in asset.packed:
            return name, asset.packed[name]
    return "", asset.path

"""The page is in what is built and installed, needs no Node there, and loads quickly from anywhere."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.missing import is_missing

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "orchestrator" / "server" / "page"
INSIDE = "orchestrator/server/page/"
MOST = 250_000  #: bytes that the first load may take, compressed


@pytest.fixture(autouse=True, scope="module")
def _built() -> None:
    if not (PAGE / "index.html").is_file():
        is_missing("the page is not built (make ui)")


def built(kind: str, source: Path, folder: Path, path: str | None = None) -> Path:
    """Build a wheel or an sdist from a folder of sources, with what ``path`` names as programs."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=source, capture_output=True, text=True, timeout=240,
        env={**os.environ, **({} if path is None else {"PATH": path})},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return found


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel_of_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made of the sdist where there is no program at all, so no Node either."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    empty = tmp_path_factory.mktemp("bin")
    assert shutil.which("node", path=str(empty)) is None
    return built("wheel", source, tmp_path_factory.mktemp("wheel"), str(empty))


def files_of_the_page() -> set[str]:
    return {
        INSIDE + path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file()
    }


def linked(text: str) -> list[str]:
    """Addresses that a document names in its head."""
    return re.findall(r'(?:src|href)="([^"]+)"', text)


def imported(chunks: Iterable[str]) -> set[str]:
    """The chunks, and all that they import before they begin."""
    known: set[str] = set()
    waiting = list(chunks)
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        text = (PAGE / "assets" / name).read_text("utf-8")
        waiting += re.findall(r'(?:\bfrom|\bimport)\s*"\./([^"]+\.js)"', text)
    return known


def compressed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


# -- what is built ---------------------------------------------------------------------------------


def test_the_sdist_carries_the_page(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files_of_the_page() <= names
    assert not any(name.startswith("ui/") for name in names)


def test_the_sdist_and_a_wheel_of_it_carry_the_templates(sdist: Path, wheel_of_sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel_of_sdist) as archive:
        packed = set(archive.namelist())
    for name in (
        "copier.yml",
        "history.bundle",
        "analytics/.gitignore.jinja",
        "flow/README.md.jinja",
    ):
        assert f"templates/{name}" in names
        assert f"orchestrator/service/starting/templates/{name}" in packed
    assert not any(name.endswith("release.py") for name in packed)


def test_a_wheel_of_the_sdist_carries_the_page_without_node(wheel_of_sdist: Path) -> None:
    with zipfile.ZipFile(wheel_of_sdist) as archive:
        assert files_of_the_page() <= set(archive.namelist())
        assert archive.read(INSIDE + "index.html") == (PAGE / "index.html").read_bytes()


def test_the_installed_server_finds_the_page(wheel_of_sdist: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel_of_sdist) as archive:
        archive.extractall(tmp_path / "site")
    code = """
from pathlib import Path
from starlette.requests import Request
from orchestrator.server import page
assert Path(page.__file__).is_relative_to(SITE), page.__file__
found = page.Page()
for path in ("/", "/runs/4f1c09a2b7d3e685/task", "/flows/night%20ly", "/dataset"):
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"",
             "scheme": "http", "server": ("127.0.0.1", 80)}
    answer = found.answer(Request(scope))
    assert answer.status_code == 200 and b"<div id=\\"root\\">" in answer.body, path
print("found")
""".replace("SITE", repr(str(tmp_path / "site")))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
    )  # fmt: skip
    assert done.stdout == "found\n", done.stderr


# -- what it is ------------------------------------------------------------------------------------


def test_files_are_named_from_the_root_so_that_deep_links_load_them() -> None:
    addresses = linked((PAGE / "index.html").read_text("utf-8"))
    assert addresses
    for address in addresses:
        assert address.startswith("/"), address
        assert (PAGE / address.lstrip("/")).is_file(), address


def test_nothing_in_the_document_is_inline_or_from_elsewhere() -> None:
    text = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"(?:https?:)?//[a-z]", text)


def test_no_file_holds_the_addresses_of_its_sources() -> None:
    assert not list(PAGE.rglob("*.map"))
    for path in PAGE.rglob("*.js"):
        assert str(ROOT) not in path.read_text("utf-8"), path


@pytest.mark.parametrize("page", [None, "HomePage"])
def test_the_first_load_is_small(page: str | None) -> None:
    addresses = linked((PAGE / "index.html").read_text("utf-8"))
    chunks = [Path(address).name for address in addresses if address.endswith(".js")]
    loaded = {PAGE / address.lstrip("/") for address in addresses} | {PAGE / "index.html"}
    if page:
        chunks += [path.name for path in (PAGE / "assets").glob(f"{page}-*.js")]
        # Styles of a page are fetched with it; which ones is decided by the browser: all of them.
        loaded |= set((PAGE / "assets").glob("*.css"))
    loaded |= {PAGE / "assets" / name for name in imported(chunks)}
    sizes = {path.name: compressed(path) for path in loaded}
    assert sum(sizes.values()) <= MOST, sorted(sizes.items(), key=lambda item: -item[1])


def test_compressed_copies_hold_the_same() -> None:
    copies = list(PAGE.rglob("*.js.gz"))
    assert copies
    for copy in copies:
        assert gzip.decompress(copy.read_bytes()) == copy.with_suffix("").read_bytes(), copy
        assert copy.with_suffix(".br").is_file(), copy


# -- what it is built with -------------------------------------------------------------------------


def test_the_lock_file_names_versions_and_no_registry() -> None:
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text("utf-8"))
    asked = json.loads((ROOT / "ui" / "package.json").read_text("utf-8"))
    for name, version in {**asked["dependencies"], **asked["devDependencies"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not any("resolved" in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)

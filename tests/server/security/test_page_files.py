"""The page's files: found by their exact addresses, kept by browsers where their names allow it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from orchestrator.server.app import create_app
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore

#: Ways out of a folder that servers have been led by.
CORPUS = (
    "/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt",
    "/..%2fsecret.txt", "/%252e%252e%252fsecret.txt", "/..%5csecret.txt", "/..\\secret.txt",
    "//etc/passwd", "/etc/passwd", "/assets//etc/passwd", "/.env", "/assets/.env", "/%00",
    "/index.html%00.js", "/assets/link.txt", "/file:///etc/passwd", "/....//secret.txt",
    "/%c0%ae%c0%ae/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt",
)  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "assets" / "index-1a2b.js").write_text("export const a = 1;")
    (folder / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(b"export const a = 1;"))
    (folder / "assets" / "index-1a2b.js.br").write_bytes(b"as brotli packs it")
    (tmp_path / "secret.txt").write_text("canary")
    (folder / "assets" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def client(project: Project, store: RunStore, page: Path) -> TestClient:
    return TestClient(create_app(project, store, page=page), base_url="http://127.0.0.1")


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/a1/task", "/dataset", "/index.html", "/x.y"])
def test_every_address_that_is_no_file_is_the_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "<title>page" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_files_with_a_hash_in_their_name_are_kept_for_ever(client: TestClient) -> None:
    answer = client.get("/assets/index-1a2b.js", headers={"accept-encoding": "identity"})
    assert answer.text == "export const a = 1;"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = client.get(
        "/assets/index-1a2b.js",
        headers={"accept-encoding": "identity", "if-none-match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


def test_files_are_sent_as_they_were_packed(client: TestClient) -> None:
    def encoding(accepted: str) -> str | None:
        with client.stream(
            "GET", "/assets/index-1a2b.js", headers={"accept-encoding": accepted}
        ) as answer:
            assert answer.headers["vary"] == "Accept-Encoding"
            return answer.headers.get("content-encoding")

    assert encoding("gzip, deflate, br") == "br"
    assert encoding("gzip;q=0.9") == "gzip"
    assert encoding("deflate") is None


@pytest.mark.parametrize("path", CORPUS)
def test_nothing_outside_of_the_page_is_read(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert "canary" not in answer.text
    assert "root:" not in answer.text
    assert ("<title>page" in answer.text) is (answer.status_code == 200)
    assert answer.status_code in (200, 404)


def test_a_packed_file_has_no_address_of_its_own(client: TestClient) -> None:
    assert client.get("/assets/index-1a2b.js.gz").status_code == 404


def test_a_page_stays_whole_when_another_is_built_beside_it(client: TestClient, page: Path) -> None:
    (page / "index.html").write_text("<!doctype html><title>newer</title>")
    for old in (page / "assets").iterdir():
        old.unlink()
    (page / "assets" / "index-3c4d.js").write_text("export const a = 2;")
    assert "<title>page" in client.get("/").text
    assert client.get("/assets/index-1a2b.js").status_code == 200
    missing = client.get("/assets/index-3c4d.js")
    assert (missing.status_code, "Load the page again" in missing.text) == (404, True)


def test_unknown_paths_of_the_api_are_json(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "UsageError")


def test_a_page_that_is_not_built_says_how(project: Project, store: RunStore, page: Path) -> None:
    app = create_app(project, store, page=page / "nowhere")
    answer = TestClient(app, base_url="http://127.0.0.1").get("/runs")
    assert answer.status_code == 404
    assert "make ui" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")

"""What the page's types say of the API's answers is what the API's document says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI

from orchestrator.server.app import create_app
from orchestrator.service.project import Project
from orchestrator.store.memory import MemoryStore

TYPES = Path(__file__).parents[2] / "ui" / "src" / "api" / "types.ts"
#: What the API calls a shape that the page has another name for.
NAMES = {
    "AskedOf": "Done", "Asked": "Request", "RunList": "Runs", "GraphNode": "Node",
    "StateChange": "Moment", "WholeTask": "TaskPage", "TimelineNode": "NodeRow",
    "RunEvent": "Event", "LogLine": "Line", "AuditEntry": "Deed", "FlowDuration": "Duration",
    "Freshness": "Fresh", "DatasetRow": "Dataset", "DatasetUser": "Use", "LineageEnd": "End",
    "Hit": "Found", "Catalogue": "Datasets", "Occurrence": "Next",
    "TaskHistory": "orchestrator__server__runs__models__History",
    "Comparison": "orchestrator__server__runs__models__Comparison",
}  # fmt: skip
_INTERFACE = re.compile(r"export interface (\w+)(?: extends ([^{]+?))? \{\n(.*?)^\}", re.M | re.S)
_FIELD = re.compile(r"(\w+)(\??):\s*(.+)", re.S)
_LEFT_OUT = re.compile(r"Omit<(\w+), ([^>]+)>")
_PLAIN = {"string": {"string"}, "Instant": {"string"}, "number": {"integer", "number"},
          "boolean": {"boolean"}}  # fmt: skip


class Field(NamedTuple):
    """A field of an interface: whether an answer may lack it, and its type."""

    optional: bool
    type: str


class Page:
    """The interfaces of a file of types.

    Args:
        text: The file.
    """

    def __init__(self, text: str) -> None:
        bare = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
        self._found = {name: (base, body) for name, base, body in _INTERFACE.findall(bare)}
        self.names = sorted(self._found)

    def fields(self, kind: str) -> dict[str, Field] | None:
        """Those of a type that is named or written out; None of a type that has none."""
        if " & " in (kind := kind.strip()):
            parts = [self.fields(part) or {} for part in kind.strip("()").split(" & ")]
            return {name: field for part in parts for name, field in part.items()}
        if kind.startswith("{"):
            return dict(_fields(kind[1:-1]))
        if left := _LEFT_OUT.fullmatch(kind):
            all_of_it = self.fields(left[1]) or {}
            return {name: f for name, f in all_of_it.items() if f'"{name}"' not in left[2]}
        if kind not in self._found:
            return None
        base, body = self._found[kind]
        return {**((base and self.fields(base)) or {}), **dict(_fields(body))}


def _fields(body: str) -> Iterator[tuple[str, Field]]:
    for piece in _split(body, ";"):
        if named := _FIELD.fullmatch(piece.strip()):
            yield named[1], Field(named[2] == "?", named[3].strip())


def _split(text: str, at: str) -> list[str]:
    """The pieces between what separates them, as long as it is in no bracket."""
    pieces, depth = [""], 0
    for letter in text:
        depth += (letter in "{[(<") - (letter in "}])>")
        if letter == at and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces


class Document:
    """The shapes of an OpenAPI document, and what a page's types say of them that is not so."""

    def __init__(self, document: dict[str, Any], page: Page) -> None:
        self.schemas, self._page = document["components"]["schemas"], page

    def wrong(self, kind: str, schema: dict[str, Any], place: str) -> Iterator[str]:
        """Say what does not fit between a type of the page and a shape of the API."""
        kinds = [one.strip() for one in _split(kind, "|")]
        shapes = list(self._shapes(schema))
        rest = [one for one in shapes if one.get("type") != "null"]
        if len(rest) < len(shapes) and not {"null", "unknown"} & set(kinds):
            yield f"{place} may be null"
        kinds = [one for one in kinds if one != "null"]
        if len(kinds) == 1 and len(rest) == 1:
            yield from self._differ(kinds[0], rest[0], place)

    def _differ(self, kind: str, shape: dict[str, Any], place: str) -> Iterator[str]:
        if kind.endswith("[]") and "items" in shape:
            one = kind.removesuffix("[]").removeprefix("(").removesuffix(")")
            yield from self.wrong(one, shape["items"], f"{place}[]")
            return
        if kind.endswith("[]") or (kind in _PLAIN and shape.get("type") not in _PLAIN[kind]):
            yield f"{place} is no {kind}"
            return
        for name, field in (self._page.fields(kind) or {}).items():
            if name in shape.get("properties", {}):
                yield from self.wrong(field.type, shape["properties"][name], f"{place}.{name}")
            elif not field.optional:
                yield f"{place}.{name} is not there"

    def _shapes(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What it may be, each looked up."""
        if "$ref" in schema:
            yield from self._shapes(self.schemas[schema["$ref"].rpartition("/")[2]])
        elif "anyOf" in schema:
            for one in schema["anyOf"]:
                yield from self._shapes(one)
        else:
            yield schema


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with MemoryStore() as store:
        yield create_app(Project.find(tmp_path_factory.mktemp("shop")), store)


PAGE = Page(TYPES.read_text())


@pytest.mark.parametrize("name", PAGE.names)
def test_a_type_of_the_page_says_what_the_api_answers(app: FastAPI, name: str) -> None:
    document = Document(app.openapi(), PAGE)
    known = NAMES.get(name, name)
    if name == "Evidence":
        assert set(PAGE.fields(name) or ()) == {"source", "text", "file", "line", "node"}
    assert known in document.schemas, "name the API's shape in NAMES"
    assert list(document.wrong(name, {"$ref": f"#/{known}"}, name)) == []


def test_every_name_is_one_of_the_page() -> None:
    assert set(NAMES) <= set(PAGE.names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: string; /** Why. */ note?: string;", []),
        ("id: string;\n  gone: string;", ["Shop.gone is not there"]),
        ("id: number;", ["Shop.id is no number"]),
        ("rows: number;", ["Shop.rows may be null"]),
        ("rows: number | null;", []),
        ("runs: { state: string; at: string }[];", ["Shop.runs[].at is not there"]),
        ("runs: Other[];", ["Shop.runs[].at is not there"]),
        ("runs: (Omit<Other, \"at\"> & { x: null })[];", ["Shop.runs[].x is not there"]),
        ("id: string[];", ["Shop.id is no string[]"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(text: str, said: list[str]) -> None:
    page = Page(f"export interface Shop {{\n  {text}\n}}\n"
                "export interface Other {\n  state: string;\n  at: string;\n}\n")  # fmt: skip
    run = {"type": "object", "properties": {"state": {"type": "string"}}}
    shop = {"type": "object", "properties": {
        "id": {"type": "string"}, "rows": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "runs": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}},
    }}  # fmt: skip
    document = Document({"components": {"schemas": {"Shop": shop, "Run": run}}}, page)
    assert list(document.wrong("Shop", {"$ref": "#/components/schemas/Shop"}, "Shop")) == said

"""Writes docs/reference-api.md, the reference of the HTTP API, from the OpenAPI document it gives.

python docs/write_api_reference.py            # writes it
python docs/write_api_reference.py --check    # says whether it is up to date
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docstrings import cell
from fastapi.routing import iter_route_contexts
from reference_page import keep

from orchestrator.server import needs
from orchestrator.server.app import create_app
from orchestrator.service.project import Project
from orchestrator.store.memory import MemoryStore

PAGE = Path(__file__).with_name("reference-api.md")
OPENING = """\
# The HTTP API

This page is written from the API's own description (`/api/v1/openapi.json`) by
`python docs/write_api_reference.py`. How to ask it, tokens and roles: [the API and the page](api.md).

Whatever goes wrong is `{"error": {"kind", "what", "where", "fix", "exit_code"}}` with one of these:

"""
_ROLES = {needs.administering: "admin", needs.running: "run", needs.viewing: "view"}
_REF = "#/components/schemas/"
#: Answers that every operation may give are told once.
_GOOD = range(200, 300)


def page() -> str:
    """Return the text of the page."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Project.find(Path(folder)), MemoryStore())
    document = app.openapi()
    found = list(_operations(document))
    parts = [OPENING + _errors(found), _overview(found)]
    roles = _roles(app)
    parts += [_operation(method, path, said, roles[method, path]) for method, path, said in found]
    parts.append(
        "## Shapes\n\nWhat requests hold and answers give. A name with `?` may be left out."
    )
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    parts += [_shape(name, schemas[name]) for name in sorted(schemas, key=_short)]
    return "\n\n".join(parts) + "\n"


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            yield method.upper(), path, said


def _errors(found: list[tuple[str, str, Mapping[str, Any]]]) -> str:
    told = {
        code: answer["description"]
        for _, _, said in found
        for code, answer in said["responses"].items()
        if int(code) not in _GOOD
    }
    rows = [f"| {code} | {told[code][0].lower()}{told[code][1:]} |" for code in sorted(told)]
    return "\n".join(["| status | when |", "|---|---|", *rows])


def _overview(found: list[tuple[str, str, Mapping[str, Any]]]) -> str:
    rows = [
        f"| [{said['summary']}](#{_slug(said['summary'])}) | `{method} {path}` |"
        for method, path, said in found
    ]
    return "\n".join(["| what | how |", "|---|---|", *rows])


def _operation(method: str, path: str, said: Mapping[str, Any], role: str) -> str:
    whom = f"the role `{role}`" if role else "everybody"
    parts = [f"## {said['summary']}", f"`{method} {path}`, for {whom}."]
    parts.append(said.get("description", ""))
    rows = [
        f"| `{each['name']}` | {each['in']} | {_kind(each['schema'])} | {_worth(each)} |"
        f" {cell(each.get('description', ''))} |"
        for each in said.get("parameters", ())
    ]
    if rows:
        head = ["| parameter | in | type | default | what it says |", "|---|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]))
    if "requestBody" in said:
        parts.append(f"Body: {_content(said['requestBody'])}.")
    answers = [
        f"{code} {_content(answer)}"
        for code, answer in said["responses"].items()
        if int(code) in _GOOD
    ]
    parts.append(f"Answer: {', '.join(sorted(answers))}.")
    return "\n\n".join(part for part in parts if part)


def _worth(parameter: Mapping[str, Any]) -> str:
    if parameter.get("required"):
        return "needed"
    default = parameter["schema"].get("default")
    return "" if default is None else f"`{str(default).lower()}`"


def _content(said: Mapping[str, Any]) -> str:
    for kind, content in said.get("content", {}).items():
        return _kind(content.get("schema", {})) if kind == "application/json" else f"`{kind}`"
    return "with no body"


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    parts = [f"### {_short(name)} shape", schema.get("description", "")]
    if "enum" in schema:
        parts.append("One of " + ", ".join(f"`{word}`" for word in schema["enum"]) + ".")
    needed = schema.get("required", ())
    rows = [
        f"| `{field}{'' if field in needed else '?'}` | {_kind(said)} |"
        f" {cell(said.get('description', ''))} |"
        for field, said in schema.get("properties", {}).items()
    ]
    if rows:
        parts.append("\n".join(["| field | type | what it says |", "|---|---|---|", *rows]))
    return "\n\n".join(part for part in parts if part)


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in a few words, with a link to the shape it is."""
    if "$ref" in schema:
        name = _short(schema["$ref"].removeprefix(_REF))
        return f"[{name}](#{_slug(name)}-shape)"
    if several := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(dict.fromkeys(_kind(each) for each in several))
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    inner = schema.get("additionalProperties")
    if kind == "object" and isinstance(inner, Mapping):
        return f"object of {_kind(inner)}"
    return " or ".join(kind) if isinstance(kind, list) else schema.get("format", kind)


def _short(name: str) -> str:
    """The name of a shape; where two rooms have one of the same name, the room comes first."""
    *_, room, _, last = ["", "", *name.split("__")]
    return f"{room.removesuffix('s').capitalize()}{last}" if "__" in name else name


def _slug(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _roles(app: Any) -> dict[tuple[str, str], str]:
    """The least role that may ask for each operation, by method and path."""
    return {
        (method, route.path): next((role for check, role in _ROLES.items() if check in asked), "")
        for route in iter_route_contexts(app.routes)
        if (dependant := getattr(route, "dependant", None)) is not None
        for asked in [{dependency.call for dependency in dependant.dependencies}]
        for method in route.methods
    }


def main() -> int:
    """Write the page, or compare it."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())

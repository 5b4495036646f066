"""Values that files may hold, right ones and wrong ones, made for a piece of JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from orchestrator.kinds import Shape

#: No colon, so that nothing is a reference to a secret; no line ends, which ``$`` lets pass.
TEXTS = st.text("ab9 ._-é", max_size=5)
#: JSON Schema takes 5.0 for a whole number; TOML and we do not.
PLAIN = st.one_of(
    st.booleans(), st.integers(-2, 5), st.sampled_from([-0.5, 0.5, 1.5]), TEXTS,
)  # fmt: skip
ANY = st.one_of(
    PLAIN, st.lists(PLAIN, max_size=2), st.dictionaries(st.sampled_from("ab"), PLAIN, max_size=2)
)


def made_for(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that look like what a shape asks for, and now and then any other."""
    words: list[Any] = shape.get("enum", [])
    right = {
        "string": TEXTS,
        "integer": st.integers(-1, 5),
        "number": st.sampled_from([-1, 0, 0.5, 2]),
        "boolean": st.booleans(),
        "array": st.lists(made_for(shape["items"]) if "items" in shape else PLAIN, max_size=2),
        "object": _table(shape),
    }
    options = [st.sampled_from(words)] if words else []
    options += [made_for(each) for each in shape.get("anyOf", ()) if each.keys() - {"required"}]
    if "type" in shape and not words:
        options.append(right[shape["type"]])
    likely = st.one_of(options) if options else ANY
    return st.integers(0, 9).flatmap(lambda dice: ANY if dice == 0 else likely)


def _table(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    known: Mapping[str, Shape] = shape.get("properties", {})
    of_any = shape.get("additionalProperties")
    if not known:
        values = made_for(of_any) if isinstance(of_any, dict) else PLAIN
        return st.dictionaries(st.sampled_from(["a", "tag:b", "flow:c"]), values, max_size=2)
    keys = st.lists(st.sampled_from([*known, *known, "no_key"]), max_size=3, unique=True)
    needed = list(shape.get("required", ()))
    return st.tuples(keys, st.booleans()).flatmap(
        lambda drawn: st.fixed_dictionaries(
            {
                key: made_for(known.get(key, {}))
                for key in [*drawn[0], *(needed if drawn[1] else [])]
            }
        )
    )


def as_toml(value: object) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(key)} = {as_toml(v)}" for key, v in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def document(tables: Mapping[str, object]) -> str:
    """A TOML text."""
    return "".join(f"{json.dumps(key)} = {as_toml(value)}\n" for key, value in tables.items())

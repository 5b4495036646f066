"""What templates find in a trimmed session is what they find in a whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.dbt.options import DbtOptions
from tasks.dbt.session import WarmSession
from tests.dbt.project import write_project

ASKED = {
    "models/a.sql": "select 1 as id",
    "models/b.sql": "select id, '{{ modules.datetime.date(2024, 2, 29) }}' as d, "
    "'{{ flags.FULL_REFRESH }}' as f, '{{ builtins.flags.FULL_REFRESH }}' as g, "
    "'{{ context.get('nothing', 'none') }}' as n, '{{ this.identifier }}' as t, "
    "'{{ shout('x') }}' as s, '{{ context['shout']('y') }}' as c, '{{ shop.shout('z') }}' as p, "
    "'{{ 'shout' in context }}' as i, '{{ context.update({'told': 1}) or context.told }}' as u, "
    "'{{ dbt.type_string() }}' as q, '{{ range(3) | list }}' as r, '{{ validation.any is defined }}' as v, "
    "'{{ undefined_name is defined }}' as w, '{{ debug() }}' as m from {{ ref('a') }}",
    "models/schema.yml": """
        models:
          - name: a
            columns:
              - {name: id, data_tests: [not_null, unique, {accepted_values: {values: [1, 2]}}]}
          - name: b
            columns:
              - {name: id, data_tests: [{relationships: {to: ref('a'), field: id}}]}
        """,
    "macros/own.sql": """
        {% macro shout(what) %}{{ what | upper }}!{% endmacro %}
        {% macro debug() %}mine{% endmacro %}
        {% macro default__type_string() %}{{ return('text') }}{% endmacro %}
        """,
}


def described(value: Any, depth: int = 2) -> Any:
    """What a template could tell of a value, without where in memory it is."""
    from dbt.clients.jinja import MacroGenerator

    if isinstance(value, MacroGenerator):
        macro: Any = value.macro
        return "macro", macro.unique_id, value.node.unique_id if value.node else None
    if isinstance(value, dict):
        return {k: described(v, depth - 1) for k, v in value.items()} if depth else sorted(value)
    return "callable" if callable(value) else type(value).__name__


def contexts(task: Any) -> dict[str, Any]:
    from dbt.context import providers

    node, config, manifest = task.manifest.nodes["model.shop.b"], task.config, task.manifest
    macro = manifest.macros["macro.shop.shout"]
    found = {
        "of the model": providers.generate_runtime_model_context(node, config, manifest),
        "of the macro": providers.generate_runtime_macro_context(macro, config, manifest, None),
    }
    for context in found.values():
        context.pop("context")
    return {of: described(context, 3) for of, context in found.items()}


def seen(folder: Path, trim: bool) -> tuple[dict[str, Any], list[Any]]:
    """The contexts of a project's session, and what its nodes came to."""
    session = WarmSession(DbtOptions(str(write_project(folder, ASKED))), trim=trim)
    selected = session.parse().selected
    session.begin()
    try:
        found = session._inside(contexts)
        results = [session.run_node(name) for name in sorted(selected)]
        return found, [(r.unique_id, r.status, r.compiled_code, r.message) for r in results]
    finally:
        session.abandon()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], list[Any]]]:
    return [seen(tmp_path_factory.mktemp("project"), trim) for trim in (False, True)]


def test_a_context_holds_the_same(both: list[tuple[dict[str, Any], list[Any]]]) -> None:
    (whole, _), (trimmed, _) = both
    assert whole["of the model"]["shout"][1] == "macro.shop.shout"
    assert whole["of the model"]["debug"][1] == "macro.shop.debug"
    assert trimmed == whole


def test_nodes_compile_to_the_same(both: list[tuple[dict[str, Any], list[Any]]]) -> None:
    (_, whole), (_, trimmed) = both
    texts = {unique_id: text for unique_id, _, text, _ in whole}
    assert "'X!' as s, 'Y!' as c, 'Z!' as p, 'True' as i" in texts["model.shop.b"]
    assert "2024-02-29" in texts["model.shop.b"]
    assert all(status in ("success", "pass") for _, status, _, _ in whole), whole
    assert trimmed == whole

"""Facts of a dbt node: what every task has, and what only dbt's selectors ask for."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.facts import TaskFacts

#: Resource types of dbt that `dbt build` runs.
RUNNING_TYPES = frozenset(
    {"model", "seed", "snapshot", "test", "unit_test", "function", "operation"}
)
TEST_TYPES = frozenset({"test", "unit_test"})


@dataclass(frozen=True, slots=True)
class DbtFacts(TaskFacts):
    """One dbt node.

    Args:
        parents: Unique ids of its direct parents as dbt knows them: also sources and
            ephemeral models, which do not run.
        patch_path: The yml file that describes it, relative to its package.
        test_name: Name of the generic test (``not_null``), or of the unit test.
        test_kind: ``generic``, ``singular`` or ``unit``.
        version: Version of a versioned model.
        latest_version: Latest version of a versioned model.
        access: ``private``, ``protected`` or ``public``, for models.
        in_root: Whether it stands in the project itself, not in a package of it.
        macro_files: Files of the project's own macros that it is made with.
    """

    parents: tuple[str, ...] = ()
    patch_path: str | None = None
    test_name: str | None = None
    test_kind: str | None = None
    version: str | float | None = None
    latest_version: str | float | None = None
    access: str | None = None
    in_root: bool = True
    macro_files: frozenset[str] = frozenset()

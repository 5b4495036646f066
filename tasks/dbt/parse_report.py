"""What a session tells once dbt has parsed the project."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.dbt.invocation import Invocation


@dataclass(frozen=True)
class ParseReport:
    """What parsing found.

    Args:
        manifest_path: Absolute path of the manifest.json that dbt has just written.
        selected: The unique ids that dbt's own selection picks by the options.
        invocation: The invocation that dbt says it is.
    """

    manifest_path: str
    project_name: str
    adapter_type: str
    threads: int
    selected: tuple[str, ...]
    invocation: Invocation

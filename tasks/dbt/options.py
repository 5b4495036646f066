"""What to build with dbt: the flags of ``dbt build`` as one immutable value."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class DbtOptions:
    """The flags of one ``dbt build``; relative paths mean relative to the project, as from its folder.

    Args:
        project_dir: Absolute path of the folder that holds ``dbt_project.yml``.
        profiles_dir: Folder of ``profiles.yml``; found as dbt finds it when not given.
        vars: YAML or JSON text of a mapping, as ``dbt build --vars`` takes it.
        select: dbt selection terms; several are a union.
        state: Folder of an earlier run's artifacts, for ``state:`` selectors and deferral.
        event_time_start: First instant of microbatch batches, as dbt reads it.
        store_failures: ``None`` leaves it to the project.
        extra: Any other flag of ``dbt build``, word by word.

    Example:
        >>> DbtOptions("/srv/shop", select=("+orders",), full_refresh=True).argv()
        ['build', '--project-dir', '/srv/shop', '--select', '+orders', '--full-refresh']
    """

    project_dir: str
    profiles_dir: str | None = None
    profile: str | None = None
    target: str | None = None
    vars: str = "{}"
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    resource_types: tuple[str, ...] = ()
    exclude_resource_types: tuple[str, ...] = ()
    indirect_selection: str | None = None
    full_refresh: bool = False
    empty: bool = False
    threads: int | None = None
    state: str | None = None
    defer: bool = False
    favor_state: bool = False
    defer_state: str | None = None
    event_time_start: str | None = None
    event_time_end: str | None = None
    store_failures: bool | None = None
    target_path: str | None = None
    fail_fast: bool = False
    extra: tuple[str, ...] = ()

    def argv(self) -> list[str]:
        """Return the words after ``dbt`` on an equal command line."""
        words = ["build", "--project-dir", self.project_dir]
        words += self._valued()
        words += self._listed()
        words += self._switched()
        words += self.extra
        return words

    def _valued(self) -> list[str]:
        values = {
            "--profiles-dir": self._anchored(self.profiles_dir),
            "--profile": self.profile,
            "--target": self.target,
            "--vars": None if self.vars.strip() in ("", "{}") else self.vars,
            "--selector": self.selector,
            "--indirect-selection": self.indirect_selection,
            "--threads": None if self.threads is None else str(self.threads),
            "--state": self._anchored(self.state),
            "--defer-state": self._anchored(self.defer_state),
            "--event-time-start": self.event_time_start,
            "--event-time-end": self.event_time_end,
            "--target-path": self.target_path,
        }
        return [
            word for flag, value in values.items() if value is not None for word in (flag, value)
        ]

    def _listed(self) -> list[str]:
        lists = {
            "--select": self.select,
            "--exclude": self.exclude,
            "--resource-type": self.resource_types,
            "--exclude-resource-type": self.exclude_resource_types,
        }
        return [word for flag, values in lists.items() if values for word in (flag, *values)]

    def _switched(self) -> list[str]:
        switches = {
            "--full-refresh": self.full_refresh,
            "--empty": self.empty,
            "--defer": self.defer,
            "--favor-state": self.favor_state,
            "--store-failures": self.store_failures,
            "--fail-fast": self.fail_fast,
        }
        return [flag for flag, on in switches.items() if on]

    def _anchored(self, path: str | None) -> str | None:
        return None if path is None else os.path.join(self.project_dir, os.path.expanduser(path))

"""The errors of dbt runs, each under the family of the project's error tree it belongs to.

::

    UsageError ──────────── DbtUsageError      the options given to dbt contradict each other
    ConfigurationError ──── DbtProfileError    profiles.yml: missing, broken, profile or target unknown
    ProjectError ─┬──────── DbtProjectError    no dbt project here, or dbt_project.yml, packages
                  └──────── DbtParseError      a model, macro or YAML file that dbt cannot read
    InfrastructureError ─── DbtWarehouseError  dbt cannot reach or prepare the warehouse
    OrchestratorError ─┬─── DbtHookError       on-run-start or on-run-end failed
                       ├─── DbtCancelledError  the session was cancelled
                       └─── DbtSessionError    the session is used out of order
"""

from __future__ import annotations

from orchestrator.errors import (
    ConfigurationError,
    InfrastructureError,
    OrchestratorError,
    ProjectError,
    UsageError,
)


class DbtUsageError(UsageError):
    """Raised when dbt refuses the options it was given."""


class DbtProfileError(ConfigurationError):
    """Raised when profiles.yml, the profile or its target is missing or wrong."""


class DbtProjectError(ProjectError):
    """Raised when there is no dbt project, its dbt_project.yml is wrong, or packages are missing."""


class DbtParseError(ProjectError):
    """Raised when dbt cannot read a file of the project."""


class DbtWarehouseError(InfrastructureError):
    """Raised when dbt cannot connect to the warehouse or prepare its schemas."""


class DbtHookError(OrchestratorError):
    """Raised when an ``on-run-start`` or ``on-run-end`` hook ends the run."""

    exit_code = 1


class DbtCancelledError(OrchestratorError):
    """Raised by a node that is asked for after the session was cancelled."""

    exit_code = 130


class DbtSessionError(OrchestratorError):
    """Raised when a session is used out of order, or a second one is opened in the process."""

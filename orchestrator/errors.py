"""Every error a person can meet, each with its cause, its place and the next step.

The tree (exit code of the command line in brackets)::

    OrchestratorError [3]
    ├── UsageError [2]                what was asked, or how the project is written, cannot be done
    │   ├── ConfigurationError        a setting, a profile, a connection
    │   ├── PolicyError               policy.toml cannot be read, or the project breaks its rules
    │   ├── ProjectError              no project here, or its files cannot be read
    │   │   └── ManifestError         dbt's manifest.json: missing, broken, of an unknown version
    │   ├── FlowError                 a flow or task is put together wrongly
    │   │   └── ParameterError        a run parameter is missing or does not fit its type
    │   ├── GraphError                the derived graph contradicts itself
    │   │   ├── CycleError            tasks wait for one another in a circle
    │   │   ├── UnorderedWritersError two tasks write one dataset and nothing says which is first
    │   │   └── DroppedDatasetError   a task reads what another task drops
    │   ├── SqlError                  a SQL text cannot be read (line and column)
    │   ├── SelectionError            a selector names nothing, or cannot be read
    │   ├── NotFoundError             a flow, run or task of that name is not known
    │   └── ConflictError             what is asked does not fit how things stand now
    └── InfrastructureError [3]       the world around the run
        ├── WarehouseBusyError [2]    a database file is held by another process
        ├── WorkerLostError           the process that ran a task died
        ├── ClusterError              a cluster cannot be opened, or its software is another
        └── StoreError                the run store cannot be read or written
"""

from __future__ import annotations


class OrchestratorError(Exception):
    """The root: one sentence of what happened, where, and what to do next.

    Args:
        what: What happened, naming the thing.
        where: File, line, task or command it happened at.
        fix: The next step for the person who reads it.

    Example:
        >>> print(OrchestratorError("no flow named 'nigtly'", where="flows/", fix="did you mean 'nightly'?"))
        no flow named 'nigtly'
          where: flows/
          fix:   did you mean 'nightly'?
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(_labelled("where: ", self.where))
        if self.fix:
            lines.append(_labelled("fix:   ", self.fix))
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive Exception's own pickling, and workers send errors back.
        return _rebuild, (type(self), self.what, self.where, self.fix, self.__dict__)


def _labelled(label: str, text: str) -> str:
    return "  " + label + text.replace("\n", "\n  " + " " * len(label))


def _rebuild(
    cls: type[OrchestratorError],
    what: str,
    where: str | None,
    fix: str | None,
    attributes: dict[str, object],
) -> OrchestratorError:
    error = cls.__new__(cls)
    OrchestratorError.__init__(error, what, where=where, fix=fix)
    error.__dict__.update(attributes)
    return error


class UsageError(OrchestratorError):
    """Raised when what was asked for, or how the project is written, cannot be done."""

    exit_code = 2


class ConfigurationError(UsageError):
    """Raised when a setting, a profile or a connection is missing or wrong."""


class PolicyError(UsageError):
    """Raised when the policy file cannot be read, or the project breaks its rules."""


class ProjectError(UsageError):
    """Raised when no project is found, or its files cannot be read."""


class ManifestError(ProjectError):
    """Raised when dbt's manifest.json is missing, broken or of an unknown version."""


class FlowError(UsageError):
    """Raised when a flow or a task is put together wrongly."""


class ParameterError(FlowError):
    """Raised when a run parameter is missing, unknown or does not fit its type."""


class GraphError(UsageError):
    """Raised when the derived graph contradicts itself."""


class CycleError(GraphError):
    """Raised when tasks wait for one another in a circle."""


class UnorderedWritersError(GraphError):
    """Raised when two tasks write one dataset and nothing says which comes first."""


class DroppedDatasetError(GraphError):
    """Raised when a task reads a dataset that another task drops, with no order between them."""


class SqlError(UsageError):
    """Raised when a SQL text cannot be read."""


class SelectionError(UsageError):
    """Raised when a selector names nothing or cannot be read."""


class NotFoundError(UsageError):
    """Raised when no flow, run or task of the given name is known."""


class ConflictError(UsageError):
    """Raised when what is asked does not fit how things stand now: the run has ended already."""


class InfrastructureError(OrchestratorError):
    """Raised when the world around the run fails: store, cluster, database file."""


class WarehouseBusyError(InfrastructureError):
    """Raised when another process holds the database file.

    Whoever asked for the run can mend it, by ending the other program: so it counts as usage.
    """

    exit_code = 2


class WorkerLostError(InfrastructureError):
    """Raised when the process that ran a task died."""


class ClusterError(InfrastructureError):
    """Raised when a cluster cannot be opened or has no workers, or when its software differs."""


class StoreError(InfrastructureError):
    """Raised when the run store cannot be read or written."""

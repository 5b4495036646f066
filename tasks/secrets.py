"""Tasks whose result is a secret, by Prefect 1's names: fetched where they run, kept nowhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

from orchestrator.model.task import Task
from orchestrator.secrets import Secret, masker


class _Revealed(str):
    """A secret's value on its way to another task; whoever unpacks it masks it in its logs."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _revealed, (str(self),)


def _revealed(value: str) -> _Revealed:
    masker().add(value)
    return _Revealed(value)


class PrefectSecret(Task):
    """Fetches a secret when the flow runs, as a task that others take the result of.

    The value travels to the tasks that take it and is masked in their logs. It is never kept with
    the run: a retry fetches it again. Where an argument takes ``"secret:NAME"``, that is shorter.

    Args:
        name: Of the secret, as the project knows it.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        ConfigurationError: It is set nowhere.

    Example:
        >>> PrefectSecret("WAREHOUSE_PASSWORD").name
        'WAREHOUSE_PASSWORD'
    """

    keeps_result: ClassVar[bool] = False

    def __init__(self, name: str, **task_args: Any) -> None:
        super().__init__(name=name, **task_args)
        self.secret_name = name

    def run(self) -> Any:
        """Return the secret's value."""
        return _revealed(Secret(self.secret_name).get())


class EnvVarSecret(PrefectSecret):
    """Fetches an environment variable where the flow runs, as :class:`PrefectSecret` does a secret.

    Args:
        name: Of the variable.
        cast: Makes another value of its text.
        raise_if_missing: Whether it is an error that it is not set; else the result is None.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        ConfigurationError: It is not set, and ``raise_if_missing`` is.

    Example:
        >>> EnvVarSecret("WAREHOUSE_PORT", cast=int).name
        'WAREHOUSE_PORT'
    """

    def __init__(
        self,
        name: str,
        cast: Callable[[str], Any] | None = None,
        raise_if_missing: bool = False,
        **task_args: Any,
    ) -> None:
        super().__init__(name, **task_args)
        self.cast = cast
        self.raise_if_missing = raise_if_missing

    def run(self) -> Any:
        """Return the variable's value, None if it is not set."""
        value = os.environ.get(self.secret_name)
        if value is None:
            return Secret(f"env:{self.secret_name}").get() if self.raise_if_missing else None
        found = _revealed(value)
        return found if self.cast is None else self.cast(found)

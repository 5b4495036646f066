"""Resources of a flow: opened by one task, used by many, and closed whatever became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, overload

from orchestrator.model import building
from orchestrator.model.blocks import Block
from orchestrator.model.flow import Flow
from orchestrator.model.policy import AfterAll
from orchestrator.model.task import Task

#: Such tasks frame others: they run again with them, and are never done for good.
_FRAME = "operation"


class ResourceInit(Task):
    """Makes the object that opens and closes the resource."""

    resource_type = _FRAME

    def __init__(self, resource_class: Callable[..., Any], **task_args: Any) -> None:
        super().__init__(**task_args)
        self.resource_class = resource_class

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make it."""
        return self.resource_class(*args, **kwargs)


class ResourceSetup(Task):
    """Opens the resource."""

    resource_type = _FRAME

    def run(self, manager: Any) -> Any:
        """Open it."""
        return manager.setup()


class ResourceCleanup(Task):
    """Closes the resource, if it was opened."""

    resource_type = _FRAME

    def run(self, manager: Any, resource: Any) -> None:
        """Close it."""
        manager.cleanup(resource)


class Resource(Block):
    """The block in which a resource is open.

    Entering it gives the resource itself, to be passed to tasks.

    Args:
        init: Makes the object with ``setup`` and ``cleanup``.
        setup: Opens the resource.
        cleanup: Closes it.
    """

    def __init__(self, init: Task, setup: Task, cleanup: Task) -> None:
        super().__init__()
        self.init_task, self.setup_task, self.cleanup_task = init, setup, cleanup
        self._flow = building.current("a resource")

    def gate(self, flow: Flow) -> Task:
        """The task that opens."""
        return self.setup_task

    def __enter__(self) -> Task:
        super().__enter__()
        return self.setup_task

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for task in self.last(self._flow):
            self._flow.add_order(task, self.cleanup_task)


class ResourceManager:
    """What :func:`resource_manager` makes of a class: called in a flow, it gives the block.

    Args:
        resource_class: Has ``setup()`` and ``cleanup(resource)``.
        name: What people call the resource.
        init_task_kwargs: Arguments of the task that makes the object.
        setup_task_kwargs: Of the task that opens.
        cleanup_task_kwargs: Of the task that closes.
    """

    def __init__(
        self,
        resource_class: Callable[..., Any],
        name: str | None = None,
        init_task_kwargs: Mapping[str, Any] | None = None,
        setup_task_kwargs: Mapping[str, Any] | None = None,
        cleanup_task_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.resource_class = resource_class
        self.name = name or getattr(resource_class, "__name__", "resource")
        self.__doc__ = resource_class.__doc__
        self._of_init = {"name": self.name, **(init_task_kwargs or {})}
        self._of_setup = {"name": f"{self.name}.setup", **(setup_task_kwargs or {})}
        self._of_cleanup = {"name": f"{self.name}.cleanup", **(cleanup_task_kwargs or {})}

    def __call__(self, *args: Any, flow: Flow | None = None, **kwargs: Any) -> Resource:
        """Bind the three tasks; the arguments are those of the class, results among them."""
        if flow is not None:
            with building.into(flow):
                return self(*args, **kwargs)
        init = ResourceInit(self.resource_class, **self._of_init)(args, kwargs)
        setup = ResourceSetup(**self._of_setup)(init)
        cleanup = ResourceCleanup(
            **{"trigger": AfterAll((setup,)), "skip_on_upstream_skip": False, **self._of_cleanup}
        )(init, setup)
        return Resource(init, setup, cleanup)


@overload
def resource_manager(resource_class: Callable[..., Any], /) -> ResourceManager: ...
@overload
def resource_manager(**options: Any) -> Callable[[Callable[..., Any]], ResourceManager]: ...
def resource_manager(resource_class: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a resource of a class: opened once, used in many tasks, always closed.

    Args:
        resource_class: Has ``setup()``, which returns what tasks use, and ``cleanup(resource)``.
        options: ``name``, ``init_task_kwargs``, ``setup_task_kwargs``, ``cleanup_task_kwargs``.

    The tasks of the block wait until it is open; it is closed when they have all ended, however
    they ended, but not if it was never opened. A close that fails fails the run.

    Example:
        >>> from orchestrator.model.task import task
        >>> @resource_manager
        ... class Folder:
        ...     def __init__(self, name):
        ...         self.name = name
        ...     def setup(self):
        ...         return f"scratch/{self.name}"
        ...     def cleanup(self, path):
        ...         pass
        >>> @task
        ... def write(folder):
        ...     return folder
        >>> with Flow("sample") as flow:
        ...     with Folder("work") as folder:
        ...         written = write(folder)
        >>> list(flow.keys())
        ['Folder', 'Folder.setup', 'Folder.cleanup', 'write']
    """
    if resource_class is None:
        return lambda chosen: ResourceManager(chosen, **options)
    return ResourceManager(resource_class, **options)

"""Tasks: what runs, what it reads and writes, and how it is bound into a flow."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, overload

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.binding import Binding, Promise
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.policy import Retry, Trigger

if TYPE_CHECKING:
    from orchestrator.model.planning import Planning
    from orchestrator.model.warehouse import Warehouse


#: Columns of a dataset that a task declares: names, or names with the columns that go into each.
Columns = Iterable[str] | Mapping[str, str | Iterable[str]]


class Task(Promise):
    """A piece of work. Subclasses implement :meth:`run`.

    Args:
        name: What people call it; the class's name if left out.
        tags: Words to select it by.
        max_retries: Attempts after the first.
        retry_delay: Wait before each; seconds or a timedelta.
        retry_on: Exception types worth another attempt; all, if left out.
        timeout: Seconds after which an attempt is stopped.
        trigger: When it runs, given what it waits for.
        reads: Names of datasets it needs (``schema.table``, a path).
        writes: Names of datasets it makes; as a mapping, each with its columns: a list of names, or
            ``{"total": ["raw.orders.amount"]}`` with the columns that go into each.
        warehouse: Name of the connection given to ``run`` as ``warehouse``; its dialect and
            defaults also complete the names in ``reads`` and ``writes``.
        log_stdout: Whether what it prints goes to its log.

    Example:
        >>> class Add(Task):
        ...     def run(self, x, y):
        ...         return x + y
        >>> Add(name="add").run(1, 2)
        3
    """

    resource_type: ClassVar[str] = "python"
    #: Whether :meth:`run` gets the finished states of what it waited for, as ``upstream_states``.
    wants_upstream_states: ClassVar[bool] = False

    def __init__(
        self,
        name: str | None = None,
        *,
        tags: Iterable[str] = (),
        max_retries: int = 0,
        retry_delay: timedelta | float = 0,
        retry_on: type[BaseException] | Iterable[type[BaseException]] = (),
        timeout: timedelta | float | None = None,
        trigger: Trigger = Trigger.ALL_SUCCESSFUL,
        reads: Iterable[str] = (),
        writes: Iterable[str] | Mapping[str, Columns] = (),
        warehouse: str | None = None,
        log_stdout: bool = False,
    ) -> None:
        self.name = name or type(self).__name__
        self.tags = frozenset([tags] if isinstance(tags, str) else tags)
        on = (retry_on,) if isinstance(retry_on, type) else tuple(retry_on)
        self.retry = Retry(max_retries, _duration(retry_delay), on)
        self.timeout = None if timeout is None else _duration(timeout).total_seconds()
        self.trigger = Trigger(trigger)
        self.reads = _names(reads, "reads", self.name)
        self.writes = _names(writes, "writes", self.name)
        self.columns = _columns(writes, self.name)
        self.warehouse = warehouse
        self.log_stdout = log_stdout
        self.defined_at = building.caller()

    def run(self, *args: Any, **inputs: Any) -> Any:
        """Do the work; the arguments are what the flow bound."""
        raise NotImplementedError(f"{type(self).__name__} does not implement run()")

    # -- binding into a flow ---------------------------------------------------------------

    def __call__(
        self,
        *args: Any,
        upstream_tasks: Iterable[Task] = (),
        task_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Task:
        """Bind a copy of this task into the flow being built.

        Args:
            args: Values, or other tasks whose results are passed.
            upstream_tasks: Tasks to wait for without taking their result.
            task_args: Attributes to change on the copy (``{"name": "second"}``).

        Raises:
            FlowError: No flow is being built, or the arguments do not fit ``run``.
        """
        return self._bound(args, kwargs, upstream_tasks, task_args, mapped=False)

    def map(
        self,
        *args: Any,
        upstream_tasks: Iterable[Task] = (),
        task_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Task:
        """Bind a copy that runs once for each element of its arguments.

        Arguments wrapped in :func:`unmapped` go whole to each run.
        """
        return self._bound(args, kwargs, upstream_tasks, task_args, mapped=True)

    def set_upstream(self, task: Task) -> Task:
        """Say that ``task`` comes before this one, without passing data."""
        building.current().add_order(task, self)
        return self

    def set_downstream(self, task: Task) -> Task:
        """Say that this task comes before ``task``, without passing data."""
        building.current().add_order(self, task)
        return self

    def copy(self, **task_args: Any) -> Task:
        """Return a copy with some attributes changed."""
        twin = copy.copy(self)
        for attribute, value in task_args.items():
            if not hasattr(twin, attribute):
                raise FlowError(f"task {self.name!r} has no attribute {attribute!r} to change")
            setattr(twin, attribute, value)
        return twin

    def __copy__(self) -> Self:
        """A task with the same attributes, without the detour that pickling takes."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def _bound(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        upstream_tasks: Iterable[Task],
        task_args: Mapping[str, Any] | None,
        *,
        mapped: bool,
    ) -> Task:
        flow = building.current(self.name)
        twin = self.copy(**(task_args or {}))
        twin.defined_at = building.caller()
        arguments = self._arguments(args, kwargs)
        flow.bind(twin, Binding.of(arguments, mapped=mapped, upstream=tuple(upstream_tasks)))
        return twin

    def _added(self) -> Task:
        building.current(self.name).bind(self, Binding())
        return self

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Name the positional arguments after ``run``'s parameters."""
        signature = inspect.signature(self.run)
        injected = {"warehouse"} if self.warehouse else set()
        try:
            bound = signature.bind_partial(*args, **kwargs)
        except TypeError as error:
            raise FlowError(
                f"task {self.name!r} cannot take these arguments: {error}",
                where="{}:{}".format(*(building.caller() or ("?", 0))),
                fix=f"its arguments: {signature}",
            ) from error
        named = dict(bound.arguments)
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                named.update(named.pop(parameter.name, {}))
            elif parameter.kind is parameter.VAR_POSITIONAL:
                if parameter.name in named:
                    raise FlowError(
                        f"task {self.name!r}: pass *{parameter.name} as one list argument"
                    )
            elif parameter.default is parameter.empty and parameter.name not in {*named, *injected}:
                raise FlowError(
                    f"task {self.name!r} lacks its argument {parameter.name!r}",
                    where="{}:{}".format(*(building.caller() or ("?", 0))),
                    fix=f"its arguments: {signature}",
                )
        return named

    # -- planning --------------------------------------------------------------------------

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """Say what the planner needs to know of this task.

        Args:
            key: Its key in the flow.
            planning: Project root, warehouses and the like.
        """
        namespace = planning.namespace(self.warehouse)
        return TaskFacts(
            key=key,
            name=self.name,
            resource_type=self.resource_type,
            reads=self.accesses(self.reads, "reads", namespace, planning),
            writes=self.accesses(self.writes, "writes", namespace, planning),
            tags=self.tags,
            path=planning.relative(self.defined_at[0]) if self.defined_at else None,
            fqn=(self.name,),
        )

    def accesses(
        self, names: Iterable[str], verb: str, namespace: Namespace, planning: Planning
    ) -> tuple[Access, ...]:
        """Read declared dataset names as ``namespace`` folds and completes them."""
        file, line = self.defined_at or (None, None)
        return tuple(
            Access(
                Dataset.parse(name, namespace),
                Evidence(
                    Source.DECLARED,
                    f"{verb} {name} ({self.name})",
                    file=planning.relative(file),
                    line=line,
                ),
            )
            for name in names
        )

    def holds(self, planning: Planning) -> Warehouse | None:
        """The connection this task works on, if it has one."""
        return planning.warehouse(self.warehouse) if self.warehouse else None

    def affinity(self, planning: Planning) -> str | None:
        """Key of the one process this task must run in, or None if any will do."""
        held = self.holds(planning)
        return held.affinity if held is not None else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __iter__(self) -> NoReturn:
        raise FlowError(
            f"the result of task {self.name!r} is not known while the flow is defined",
            fix="pass it to another task, or .map() a task over it",
        )

    def __bool__(self) -> NoReturn:
        raise FlowError(
            f"the result of task {self.name!r} is not known while the flow is defined",
            fix="decide inside a task",
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One concrete task of a group, with the facts its group knows already.

    Args:
        task: What runs; None for what can be named in a selection though it does not run.
        facts: What the planner knows of it.
        affinity: The one process it must run in, if any.
    """

    task: Task | None
    facts: TaskFacts
    affinity: str | None = None


class TaskGroup(Task):
    """A task that stands for many: it expands into concrete tasks when the flow is planned."""

    def slots(self, planning: Planning) -> int | None:
        """Return how many of the group's tasks should run at the same time, if it has a say."""
        return None

    def prepare(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Return work to do once, where the group's tasks will run, before planning; or None."""
        return None

    def release(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Return what leaves nothing open when the run has ended, however it ended; or None."""
        return None

    def expand(self, key: str, planning: Planning, prepared: Any) -> Sequence[Member]:
        """Return the concrete tasks.

        Args:
            key: The group's key in the flow.
            planning: Project root, warehouses and the like.
            prepared: What the work of :meth:`prepare` returned; None if it was not done.
        """
        raise NotImplementedError

    def settle(
        self, members: Sequence[Member], upstream: Callable[[str], Sequence[TaskFacts]]
    ) -> Sequence[Member]:
        """Return the members as they will run, once the whole graph is known.

        Args:
            members: Those that were selected.
            upstream: Gives, by a member's key, the facts of what it directly waits for.
        """
        return members


class FunctionTask(Task):
    """A task made of a plain function by :func:`task`."""

    def __init__(self, fn: Callable[..., Any], **task_args: Any) -> None:
        super().__init__(**{"name": fn.__name__, **task_args})
        self.fn = fn
        self.__doc__ = fn.__doc__
        self.run = fn  # type: ignore[method-assign]
        code = inspect.unwrap(fn).__code__
        self.function_at = (code.co_filename, code.co_firstlineno)

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task; what it reads and writes is said where the function is defined."""
        bound_at, self.defined_at = self.defined_at, self.function_at
        try:
            return super().facts(key, planning)
        finally:
            self.defined_at = bound_at


@overload
def task(fn: Callable[..., Any], /) -> FunctionTask: ...
@overload
def task(**task_args: Any) -> Callable[[Callable[..., Any]], FunctionTask]: ...
def task(fn: Callable[..., Any] | None = None, /, **task_args: Any) -> Any:
    """Make a task of a function; takes the arguments of :class:`Task`.

    Example:
        >>> @task(tags=["demo"])
        ... def double(x):
        ...     return 2 * x
        >>> double.run(4)
        8
    """
    if fn is None:
        return lambda function: FunctionTask(function, **task_args)
    return FunctionTask(fn, **task_args)


def _duration(value: timedelta | float) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def _names(names: Iterable[str], argument: str, task_name: str) -> tuple[str, ...]:
    listed = (names,) if isinstance(names, str) else tuple(str(name) for name in names)
    for name in listed:
        if not name.strip():
            raise FlowError(f"task {task_name!r} has an empty name in {argument}=")
    return listed


def _columns(
    writes: Iterable[str] | Mapping[str, Columns], task_name: str
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Dataset name → column → what goes into it (nothing, where only the names are said)."""
    if not isinstance(writes, Mapping):
        return {}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for dataset, columns in writes.items():
        said = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, ())
        found[dataset] = {
            column: _names(sources, f"writes={{{dataset!r}: {{{column!r}: …}}}}", task_name)
            for column, sources in said.items()
        }
    return found

"""Tasks: what runs, what it reads and writes, and how it is bound into a flow."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, overload

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.binding import Binding
from orchestrator.model.code import Code, Extent, Output
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.injection import Injection
from orchestrator.model.operators import Operators
from orchestrator.model.places import Place, cache_of, kept
from orchestrator.model.policy import AnyTrigger, Retry, Trigger
from orchestrator.model.run_names import made_name
from orchestrator.model.task_arguments import (
    OF_RETRY,
    READ,
    Columns,
    RetryOn,
    bound_arguments,
    columns,
    duration,
    errors,
    names,
    origins,
    seconds,
    words,
)
from orchestrator.model.task_arguments import trigger as read_trigger

if TYPE_CHECKING:
    from orchestrator.model.context import RunContext
    from orchestrator.model.flow import Flow
    from orchestrator.model.planning import Planning
    from orchestrator.model.state import State
    from orchestrator.model.warehouse import Warehouse


#: Called with the task (or flow), the state it leaves and the state it enters.
StateHandler = Callable[[Any, "State", "State"], "State | None"]


class Task(Operators):
    """A piece of work. Subclasses implement :meth:`run`.

    Args:
        name: What people call it; the class's name if left out.
        tags: Words to select it by, and to limit how many run at the same time.
        max_retries: Attempts after the first.
        retry_delay: Wait before each; seconds or a timedelta.
        retry_on: Exception types, and error codes as text (``"40001"``, ``"08*"``), that are worth
            another attempt; all, if left out.
        retry_backoff: Each wait is this many times the one before.
        retry_jitter: Share of the wait, 0 to 1, by which chance lengthens it.
        retry_max_delay: No wait is longer; seconds or a timedelta.
        timeout: Seconds (or a timedelta) after which an attempt is stopped.
        trigger: When it runs, given what it waits for.
        skip_on_upstream_skip: Whether it is left out, whatever its trigger, if something it waits
            for was left out and nothing broke.
        reads: Names of datasets it needs (``schema.table``, a path).
        writes: Names of datasets it makes; as a mapping, each with its columns: a list of names, or
            ``{"total": ["raw.orders.amount"]}`` with the columns that go into each.
        warehouse: Name of the connection given to ``run`` as ``warehouse``; its dialect and
            defaults also complete the names in ``reads`` and ``writes``.
        log_stdout: Whether what it prints goes to its log.
        cache: Whether an earlier result may stand in: ``"inputs"``, a timedelta, or a ``Cache``.
        persist: Whether its result is stored, so that a later run can take it.
        result: Where: a path or URL with ``{flow}``, ``{task}``, ``{run_id}`` and the like in it; or a
            folder, ``LocalResult("results")``.
        serializer: How; by the value if left out.
        isolate: Whether each attempt runs in a process of its own; by ``timeout`` if left out.
        state_handlers: Called as ``handler(task, old_state, new_state)`` at each change.
        on_failure: Called as ``on_failure(task, state)`` when it has failed for good.
        target: As ``result``; and what lies there already is the result, and the task is not run.
        checkpoint: Prefect 1's word for ``persist``; False stores nothing, whatever ``result`` says.
        cache_for: How old an earlier result may be to stand in, Prefect 1's way of ``cache``;
        cache_validator: what it must share, as ``orchestrator.cache_validators`` has it.
        nout: How many results it returns, so that they can be unpacked where it is called.
        task_run_name: What a run of it is called: a text with ``{argument}`` in it, or a function
            that takes the arguments by name; it is shown in the terminal and kept in the details.
        cluster: Name of the cluster (``[clusters.NAME]``) it runs on; where the run says if left out.

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
    #: Whether :meth:`run` ends by itself soon after its attempt is told to stop; what does not is
    #: stopped from outside.
    stops_when_told: ClassVar[bool] = False
    #: Whether a small result is kept with the run, for a restart; a secret is not.
    keeps_result: ClassVar[bool] = True

    def __init__(
        self,
        name: str | None = None,
        *,
        tags: Iterable[str] = (),
        max_retries: int = 0,
        retry_delay: timedelta | float = 0,
        retry_on: RetryOn | Iterable[RetryOn] = (),
        retry_backoff: float = 1.0,
        retry_jitter: float = 0.0,
        retry_max_delay: timedelta | float | None = None,
        timeout: timedelta | float | None = None,
        trigger: AnyTrigger | str = Trigger.ALL_SUCCESSFUL,
        skip_on_upstream_skip: bool = True,
        reads: Iterable[str] = (),
        writes: Iterable[str] | Mapping[str, Columns] = (),
        warehouse: str | None = None,
        log_stdout: bool = False,
        cache: Any = None,
        persist: bool = False,
        result: str | Place | None = None,
        serializer: Any = None,
        isolate: bool | None = None,
        state_handlers: Iterable[StateHandler] = (),
        on_failure: Callable[[Any, State], object] | None = None,
        target: str | None = None,
        checkpoint: bool | None = None,
        cache_for: timedelta | None = None,
        cache_validator: tuple[str, ...] = (),
        nout: int | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        cluster: str | None = None,
    ) -> None:
        self.name = name or type(self).__name__
        self.tags = words(tags)
        on, codes = errors(retry_on)
        self.retry = Retry(
            max_retries, duration(retry_delay), on, codes, retry_backoff, retry_jitter,
            None if retry_max_delay is None else duration(retry_max_delay),
        )  # fmt: skip
        self.timeout = seconds(timeout)
        self.trigger = read_trigger(trigger)
        self.skip_on_upstream_skip = skip_on_upstream_skip
        self.cache = cache_of(cache, cache_for, cache_validator)
        self.result, self.lies_at, self.persist = kept(result, target, checkpoint, persist)
        self.serializer = READ["serializer"](serializer)
        self.isolate = isolate
        self.state_handlers = tuple(state_handlers)
        self.on_failure = on_failure
        self.nout = nout
        self.task_run_name = task_run_name
        self.cluster = cluster
        self.reads = names(reads, "reads", self.name)
        self.writes = names(writes, "writes", self.name)
        self.columns = columns(writes, self.name)
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
        mapped: bool = False,
        upstream_tasks: Iterable[Any] = (),
        task_args: Mapping[str, Any] | None = None,
        flow: Flow | None = None,
        **kwargs: Any,
    ) -> Task:
        """Bind a copy of this task into the flow being built.

        Args:
            args: Values, or other tasks whose results are passed.
            mapped: As :meth:`map`.
            upstream_tasks: Tasks to wait for without taking their result.
            task_args: Attributes to change on the copy (``{"name": "second"}``).
            flow: The flow, where none is being built.

        Raises:
            FlowError: No flow is being built, or the arguments do not fit ``run``.
        """
        return self._bound(args, kwargs, upstream_tasks, task_args, mapped=mapped, flow=flow)

    def map(
        self,
        *args: Any,
        upstream_tasks: Iterable[Any] = (),
        task_args: Mapping[str, Any] | None = None,
        flow: Flow | None = None,
        **kwargs: Any,
    ) -> Task:
        """Bind a copy that runs once for each element of its arguments.

        Arguments wrapped in :func:`unmapped` go whole to each run. Where one of ``upstream_tasks``
        is mapped too, each run waits for the run beside it; wrapped in :func:`unmapped`, for all.
        """
        return self._bound(args, kwargs, upstream_tasks, task_args, mapped=True, flow=flow)

    def run_name(self, arguments: Mapping[str, Any], running: RunContext) -> str | None:
        """What a run of this task is called, by ``task_run_name``; None where nothing is said.

        Args:
            arguments: What ``run`` gets, by name.
            running: The surroundings; ``{today}``, ``{map_index}`` and the like are taken from it.
        """
        return made_name(self.task_run_name, arguments, running)

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return ``function(self, *args, **kwargs)``, for reading chains from left to right."""
        return function(self, *args, **kwargs)

    def set_upstream(self, task: Task, flow: Flow | None = None) -> Task:
        """Say that ``task`` comes before this one, without passing data."""
        (flow or building.current()).add_order(task, self)
        return self

    def set_downstream(self, task: Task, flow: Flow | None = None) -> Task:
        """Say that this task comes before ``task``, without passing data."""
        (flow or building.current()).add_order(self, task)
        return self

    def copy(self, **task_args: Any) -> Task:
        """Return a copy with some attributes changed, each said as the constructor takes it."""
        twin = copy.copy(self)
        for attribute, value in task_args.items():
            if attribute in OF_RETRY:
                twin.retry = replace(twin.retry, **OF_RETRY[attribute](value))
            elif hasattr(twin, attribute):
                setattr(twin, attribute, READ.get(attribute, lambda said: said)(value))
            else:
                raise FlowError(f"task {self.name!r} has no attribute {attribute!r} to change")
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
        upstream_tasks: Iterable[Any],
        task_args: Mapping[str, Any] | None,
        *,
        mapped: bool,
        flow: Flow | None = None,
    ) -> Task:
        if flow is not None:
            with building.into(flow):
                return self._bound(args, kwargs, upstream_tasks, task_args, mapped=mapped)
        flow = building.current(self.name)
        twin = self.copy(**(task_args or {}))
        twin.defined_at = building.caller()
        arguments = self._arguments(args, kwargs)
        twin._gets(arguments)
        upstream = tuple(flow.waited_for(task, mapped) for task in upstream_tasks)
        flow.bind(twin, Binding.of(arguments, mapped=mapped, upstream=upstream))
        building.bound(flow, twin)
        return twin

    def _gets(self, arguments: Mapping[str, Any]) -> None:
        """Learn which arguments the flow binds."""

    def _added(self) -> Task:
        building.current(self.name).bind(self, Binding())
        return self

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Name the positional arguments after ``run``'s parameters."""
        return bound_arguments(
            self.name, inspect.signature(self._function()), args, kwargs, self._injected()
        )

    def _function(self) -> Callable[..., Any]:
        """What the arguments are bound to."""
        return self.run

    def _injected(self) -> set[str]:
        """Arguments that need not be given."""
        return {"warehouse"} if self.warehouse else set()

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

    def code(self, planning: Planning) -> Code | None:
        """Say what is known of the columns it writes; None where nothing is.

        Raises:
            FlowError: A source of a declared column is not written as ``table.column``.
        """
        return Code(outputs=self.declared_columns(planning)) if self.columns else None

    def declared_columns(self, planning: Planning) -> tuple[Output, ...]:
        """The columns given in ``writes``, with the place that gives them."""
        namespace = planning.namespace(self.warehouse)
        places = self.accesses(self.columns, "writes", namespace, planning)
        return tuple(
            Output(
                place.dataset,
                origins(columns, namespace, self.name, self.defined_at),
                Extent.ALL,
                place.evidence,
            )
            for place, columns in zip(places, self.columns.values(), strict=True)
        )

    def holds(self, planning: Planning) -> Warehouse | None:
        """The connection this task works on, if it has one."""
        return planning.warehouse(self.warehouse) if self.warehouse else None

    def affinity(self, planning: Planning) -> str | None:
        """Key of the one process this task must run in, or None if any will do."""
        return min(self.affinities(planning), default=None)

    def affinities(self, planning: Planning) -> frozenset[str]:
        """Keys of everything that only one process may open and this task opens."""
        return frozenset(w.affinity for w in self.connections(planning) if w.affinity is not None)

    def connections(self, planning: Planning) -> tuple[Warehouse, ...]:
        """Every connection it works on."""
        held = self.holds(planning)
        return () if held is None else (held,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __iter__(self) -> Iterator[Any]:
        if self.nout is not None:
            return iter([self[number] for number in range(self.nout)])
        raise FlowError(
            f"the result of task {self.name!r} is not known while the flow is defined",
            fix="pass it to another task, .map() a task over it, or say nout= to unpack it",
        )

    def __bool__(self) -> NoReturn:
        raise FlowError(
            f"the result of task {self.name!r} is not known while the flow is defined",
            fix="decide inside a task",
        )


class FunctionTask(Task):
    """A task made of a plain function by :func:`task`."""

    def __init__(self, fn: Callable[..., Any], **task_args: Any) -> None:
        super().__init__(**{"name": fn.__name__, **task_args})
        self.fn = fn
        self.__doc__ = fn.__doc__
        code = inspect.unwrap(fn).__code__
        self.function_at = (code.co_filename, code.co_firstlineno)
        self.injection = Injection.of(fn, self.name)
        if not self.injection:
            self.run = fn  # type: ignore[method-assign]
        elif self.isolate:
            raise FlowError(
                f"task {self.name!r} takes connections, which belong to its worker's process",
                where=self.injection.spots[0].place,
                fix="leave out isolate=True",
            )
        else:
            self.isolate = False  # a time limit, too, is to leave it in its worker's process

    def run(self, *args: Any, **inputs: Any) -> Any:
        """Call the function with what its annotations ask for, and keep what it returns."""
        if "warehouse" not in inspect.signature(self.fn).parameters:
            inputs.pop("warehouse", None)  # it only says where the annotations look
        return self.injection.call(self.fn, args, inputs)

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task; what it reads and writes is said where the function is defined."""
        with self._at_its_function():
            facts = super().facts(key, planning)
        if not self.injection:
            return facts
        self.injection = self.injection.planned(planning, self.warehouse)
        return replace(
            facts,
            reads=(*facts.reads, *self.injection.accesses(results=False)),
            writes=(*facts.writes, *self.injection.accesses(results=True)),
        )

    def code(self, planning: Planning) -> Code | None:
        """As of any task; its columns too are said where the function is defined."""
        with self._at_its_function():
            return super().code(planning)

    def connections(self, planning: Planning) -> tuple[Warehouse, ...]:
        """Its own, and those that its annotations name."""
        held = {warehouse.name: warehouse for warehouse in super().connections(planning)}
        if self.injection:
            planned = self.injection.planned(planning, self.warehouse).warehouses
            held |= {warehouse.name: warehouse for warehouse in planned.values()}
        return tuple(held.values())

    def _gets(self, arguments: Mapping[str, Any]) -> None:
        self.injection = self.injection.bound(arguments)

    def _function(self) -> Callable[..., Any]:
        return self.fn

    def _injected(self) -> set[str]:
        return super()._injected() | {spot.argument for spot in self.injection.arguments()}

    @contextmanager
    def _at_its_function(self) -> Iterator[None]:
        bound_at, self.defined_at = self.defined_at, self.function_at
        try:
            yield
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

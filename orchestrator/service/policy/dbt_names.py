"""What the Jinja of dbt may name, as far as it can be told without a warehouse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orchestrator import instants
from orchestrator.lineage.dbt.file import Node

#: Names of dbt's own of which nothing is known here.
_ONLY_DBT = (
    "graph", "modules", "context", "load_result", "builtins", "store_result", "local_md5",
    "exceptions",
)  # fmt: skip


class OnlyDbtKnowsError(Exception):
    """Raised where the text depends on what only a running dbt can tell."""


class ReturnedError(Exception):
    """Raised by ``return(…)``, as dbt's own is; it carries what a macro gives back."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Unknown:
    """What only a running dbt can tell: it may be called and looked into, but not used.

    Args:
        name: What it is called in the text.
        hint: What would make it known.
    """

    # What Jinja's sandbox asks of whatever it calls.
    unsafe_callable = alters_data = False
    jinja_pass_arg = None

    def __init__(self, name: str, hint: str = "") -> None:
        self._name, self._hint = name, hint

    def __getattr__(self, name: str) -> Unknown:
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"{self._name}.{name}", self._hint)

    def __call__(self, *args: Any, **kwargs: Any) -> Unknown:
        return Unknown(f"{self._name}()", self._hint)

    def __getitem__(self, key: object) -> Unknown:
        return Unknown(f"{self._name}[{key!r}]", self._hint)

    def _refuse(self, *_: object) -> Any:
        raise OnlyDbtKnowsError(f"{self._name} is known only while dbt runs{self._hint}")

    __str__ = __iter__ = __bool__ = __len__ = __int__ = __float__ = __index__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class Flags(Unknown):
    """``flags``: the command is known, the rest is not."""

    def __init__(self) -> None:
        super().__init__("flags")
        self.WHICH = "build"


class Result:
    """One of ``results`` in on-run-end: how a node ended.

    Args:
        node: The node.
        status: dbt's word.
    """

    def __init__(self, node: Node, status: str) -> None:
        self.node, self.unique_id, self.status = dict(node), node.get("unique_id"), status
        self.execution_time, self.failures, self.message = 1.0, 0, ""
        self.thread_id, self.adapter_response = "Thread-1", {"rows_affected": 1}


class Relation:
    """``{{ this }}``, and what ``ref`` and ``source`` give.

    Args:
        node: The node whose table it is.
    """

    def __init__(self, node: Node) -> None:
        ephemeral = (node.get("config") or {}).get("materialized") == "ephemeral"
        cte = f"__dbt__cte__{node.get('name')}" if ephemeral else ""
        self._text = str(node.get("relation_name") or cte)
        self.database, self.schema = node.get("database"), node.get("schema")
        self.name = node.get("alias") or node.get("identifier") or node.get("name")
        self.identifier = self.table = self.name

    def __str__(self) -> str:
        if not self._text:
            raise OnlyDbtKnowsError("this node has no table of its own")
        return self._text

    def render(self) -> str:
        """Its name, as dbt writes it."""
        return str(self)


class Target:
    """``target``: what is known of it.

    Args:
        values: Its settings by name.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        hint = "; say which target: orchestrator check --target NAME" if "name" in name else ""
        return self._values.get(name, Unknown(f"target.{name}", hint))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __iter__(self) -> Iterator[Any]:
        raise OnlyDbtKnowsError("target is known only while dbt runs")

    def get(self, name: str, default: Any = None) -> Any:
        """A setting by name."""
        return getattr(self, name)


class Config:
    """``config(…)``, which sets nothing here, and ``config.get(…)``.

    Args:
        values: The node's configuration.
    """

    unsafe_callable = alters_data = False

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        return ""

    def get(self, name: str, default: Any = None, validator: Any = None) -> Any:
        """A value of the configuration."""
        found = self._values.get(name)
        return default if found is None else found

    def require(self, name: str, validator: Any = None) -> Any:
        """A value that must be there."""
        return self._values.get(name, Unknown(f"config.require({name!r})"))


def names_of(node: Node, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a node's code may name whatever the project is.

    Args:
        node: The node.
        values: Those of ``var``.
    """
    return {
        **{name: Unknown(name) for name in _ONLY_DBT},
        "this": Relation(node),
        "flags": Flags(),
        "model": dict(node),
        "config": Config(node.get("config") or {}),
        "schema": node.get("schema"),
        "database": node.get("database"),
        "var": _lookup("var", values),
        "env_var": _lookup("env_var", os.environ),
        "execute": True,
        "invocation_id": "00000000-0000-0000-0000-000000000000",
        "run_started_at": instants.now(),
        "is_incremental": lambda: Unknown("is_incremental()"),
        "log": _nothing,
        "print": _nothing,
        "return": _give_back,
    }


def _lookup(function: str, values: Mapping[str, Any]) -> Callable[..., Any]:
    def look_up(name: str, default: Any = None) -> Any:
        if name in values:
            return values[name]
        return Unknown(f"{function}({name!r})") if default is None else default

    return look_up


def _nothing(*_: Any, **__: Any) -> str:
    return ""


def _give_back(value: Any = None) -> None:
    raise ReturnedError(value)

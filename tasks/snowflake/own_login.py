"""The arguments by which Prefect 1's Snowflake tasks log in, as a connection of the task's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.model.planning import Planning
from tasks.dbapi.login import TableLogin
from tasks.snowflake.config import warehouse_of
from tasks.snowflake.warehouse import SnowflakeWarehouse

#: Prefect 1's names; each says the same as the key of a ``[warehouses.NAME]`` table.
NAMES = (
    "account", "user", "password", "private_key", "database", "schema", "role", "authenticator",
    "token",
)  # fmt: skip


def told_by(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Of the arguments of a call, those that say how to log in.

    Example:
        >>> told_by({"query": "select 1", "user": "ada", "role": None})
        {'user': 'ada'}
    """
    return {name: arguments[name] for name in NAMES if arguments.get(name) is not None}


@dataclass(frozen=True)
class OwnLogin:
    """What a task was told of its connection; empty where it uses one of the project's.

    Args:
        told: The arguments, without those that were left out.
        virtual: Snowflake's warehouse.
    """

    told: Mapping[str, Any] = field(default_factory=dict, repr=False)
    virtual: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any], warehouse: str | None) -> OwnLogin:
        """Take what is meant for a login; with an account, ``warehouse`` is Snowflake's."""
        told = told_by(arguments)
        return cls(told, warehouse if "account" in told else None)

    def __bool__(self) -> bool:
        return "account" in self.told

    def updated(self, arguments: Mapping[str, Any], warehouse: Any = None) -> OwnLogin:
        """The same with what is told anew."""
        virtual = warehouse if isinstance(warehouse, str) else self.virtual
        return OwnLogin({**self.told, **told_by(arguments)}, virtual)

    def warehouse(self, name: str) -> SnowflakeWarehouse:
        """The connection, under the name of its task."""
        table = dict(self.told)
        if self.virtual:
            table["warehouse"] = self.virtual
        return warehouse_of(name, TableLogin(table), table)

    def planning(self, planning: Planning, name: str) -> Planning:
        """The same planning, in which this is the connection, if there is one."""
        if not self:
            return planning
        own = self.warehouse(name)
        return replace(planning, find_warehouse=lambda _: own)

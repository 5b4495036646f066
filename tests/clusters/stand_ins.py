"""Stand-ins for the cluster classes of clouds: they take what the real ones take, and run here.

``contracts.json`` records what the real constructors and their ``adapt()`` name, and in which version
of which package that was looked at. A stand-in refuses every other name, also where the real class
passes others on, and makes a local cluster instead of machines.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

CONTRACTS: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("contracts.json").read_text()
)


class StandIn:
    """In the place of a cluster class of a cloud; subclasses are made by :func:`stand_in`."""

    contract: dict[str, Any]
    made: list[StandIn]

    def __init__(self, **arguments: Any) -> None:
        from distributed import LocalCluster

        _refuse_others(arguments, self.contract["parameters"])
        self.arguments, self.adapted = arguments, None
        self.local = LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        )
        self.made.append(self)

    def adapt(self, **arguments: Any) -> None:
        _refuse_others(arguments, self.contract["adapt"])
        self.adapted = arguments

    def close(self) -> None:
        self.local.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.local, name)


def stand_in(kind: str, monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    """Put a stand-in where the class of a cloud would be imported from."""
    import inspect

    contract = CONTRACTS[kind]
    made = type("StandIn", (StandIn,), {"contract": contract, "made": []})
    names = contract["parameters"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [] if kind == "fargate" else [inspect.Parameter(name, keyword) for name in names]
    )
    path, _, name = contract["class"].rpartition(".")
    parts = path.split(".")
    for depth in range(1, len(parts) + 1):
        module = ModuleType(".".join(parts[:depth]))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    setattr(module, name, made)
    return made


def _refuse_others(given: dict[str, Any], known: list[str]) -> None:
    others = sorted(set(given) - set(known))
    if others:
        raise TypeError(f"unexpected arguments {others}")


class Refused:
    """A class of a cloud that has no room."""

    def __init__(self, **arguments: Any) -> None:
        raise RuntimeError(f"no quota for {sorted(arguments)}")

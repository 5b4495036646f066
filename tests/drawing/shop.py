"""A small flow of three tasks, one mapped over another; the snapshots name lines of this file."""

from __future__ import annotations

from orchestrator import Flow, Parameter, task


@task(writes=["raw.orders"], tags=["night"])
def load(month: int) -> int:
    return month


@task(reads=["raw.orders"], writes=["marts.daily"])
def daily() -> None: ...


@task
def tell(rows: int) -> None: ...


def make_flow() -> Flow:
    """A fresh flow."""
    with Flow("shop") as flow:
        tell.map(load.map([1, 2]))
        daily()
        Parameter("region", default="north")
    return flow

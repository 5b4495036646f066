"""The channel from the workers of a Dask cluster to the driver."""

from __future__ import annotations

import asyncio
import pickle
import uuid
from typing import Any

from distributed import Worker, get_worker

from orchestrator.executors.base import Kept

#: Seconds to wait for the scheduler to learn of a published value.
_PUBLISHING = 30.0


class DaskChannel:
    """A channel from any worker of a cluster to the driver, over Dask's own connection."""

    def __init__(self, topic: str, client: str) -> None:
        self._topic, self._client = topic, client
        self._worker: Worker | None = None

    def attach(self) -> None:
        """Remember whose task calls this; then any thread may send."""
        self._worker = get_worker()

    def send(self, message: Any) -> None:
        """Send from a task; after its first message also from other threads of the task."""
        if self._worker is None:
            self.attach()
        assert self._worker is not None
        self._worker.log_event(self._topic, pickle.dumps(message))

    def publish(self, value: Any) -> tuple[str, str]:
        """Put a value into the worker's memory under a key of its own, held for the driver."""
        worker = self._worker
        assert worker is not None
        key = f"published-{uuid.uuid4().hex}"

        async def put() -> None:
            found = worker.update_data({key: Kept(None, value)})
            await worker.scheduler.update_data(
                who_has={key: [worker.address]}, nbytes=found["nbytes"], client=self._client
            )

        loop: Any = worker.loop
        asyncio.run_coroutine_threadsafe(put(), loop.asyncio_loop).result(_PUBLISHING)
        return key, worker.address

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._topic, self._client)

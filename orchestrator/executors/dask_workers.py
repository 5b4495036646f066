"""The workers of a Dask cluster: who is there, who owns what, and where work goes next."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from distributed import Client

from orchestrator.errors import ClusterError
from orchestrator.executors import versions
from orchestrator.executors.base import Handle
from orchestrator.presets import written_at

#: So many lines of each nanny's log are shown when a worker was lost.
_LAST_LINES = 20
#: Seconds after which the scheduler is asked anew who is there.
_FRESH = 2.0
#: Seconds between two looks for a worker where there is none.
_AGAIN = 0.1


class Workers:
    """What the driver knows of a cluster's workers.

    Args:
        client: Connected to the cluster.
        patience: Seconds to wait for a worker where there is none.
        maximum: Of workers, for a cluster that grows and shrinks.
        check: What to do where the software of a worker differs: ``error``, ``warn`` or ``off``.
        cluster: Name of the preset, for messages.
    """

    def __init__(
        self,
        client: Client,
        *,
        patience: float,
        maximum: int | None = None,
        check: str = "off",
        cluster: str | None = None,
    ) -> None:
        self._client, self._patience, self._maximum = client, patience, maximum
        self._check, self._cluster = check, cluster
        self._owners: dict[str, str] = {}
        self._threads: dict[str, int] = {}
        self._refused: set[str] = set()
        self._asked_at = self._some_at = 0.0
        self._busy: Counter[str] = Counter()
        self._words: list[str] = []
        self._lost_some = False

    def await_first(self) -> None:
        """Wait for the first worker, and look whether all that are there have our software.

        Raises:
            ClusterError: None comes, or their software differs.
        """
        self._wait_for_one()
        if self._check != "off":
            scheduler: Any = self._client.scheduler
            said = self._client.sync(scheduler.versions, packages=list(versions.PACKAGES))
            self._compare(None, versions.answer(said["packages"]))
        self.refresh()

    # -- where work goes -------------------------------------------------------------------

    def capacity(self, affinity: str | None) -> int:
        """Threads of the owner; or of all workers together, also of those that may yet come.

        None while all are gone: work is not handed over, and whoever drives may do other things.

        Raises:
            ClusterError: They have been gone for longer than the patience lasts.
        """
        if not self._threads or time.monotonic() - self._asked_at > _FRESH:
            self.refresh()
        if not self._threads and self._maximum is None:
            self._insist()
            return 0
        if affinity is not None and self._owners.get(affinity) in self._threads:
            return self._threads[self._owners[affinity]]
        widest = max(self._threads.values(), default=1)
        if affinity is not None:
            return widest
        return max(1, sum(self._threads.values()), (self._maximum or 0) * widest)

    def place(self, handles: Sequence[Handle]) -> str | None:
        """A worker with room, the one that keeps most of what is needed; else the least busy.

        Dask itself sends work only where its inputs are, however much waits there already. Where
        workers come and go it is left to Dask, which asks for more of them by what waits.
        """
        if self._maximum is not None:
            return None
        self._need_one()
        kept = Counter(handle.where for handle in handles)
        free = [w for w, threads in self._threads.items() if self._busy[w] < threads]
        if free:
            return min(free, key=lambda w: (-kept[w], self._busy[w] / self._threads[w]))
        return min(self._threads, key=lambda w: self._busy[w] / self._threads[w])

    def owner(self, affinity: str) -> str:
        """The worker that owns an affinity; another one takes over if it is gone."""
        if self._owners.get(affinity) not in self._threads:
            self.refresh()
        if self._owners.get(affinity) not in self._threads:
            self._need_one()
            owned = list(self._owners.values())
            self._owners[affinity] = min(
                self._threads, key=lambda worker: (owned.count(worker), worker)
            )
        return self._owners[affinity]

    def taken(self, worker: str | None) -> None:
        """Count a thread of a worker as busy."""
        if worker is not None:
            self._busy[worker] += 1

    def freed(self, worker: str | None) -> None:
        """Count it as free again."""
        if worker is not None:
            self._busy[worker] -= 1

    # -- who is there ----------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask the scheduler who is there.

        Raises:
            OSError, RuntimeError: It does not answer.
        """
        scheduler: Any = self._client.scheduler
        workers = self._client.sync(scheduler.identity, n_workers=-1)["workers"]
        threads = {a: w["nthreads"] for a, w in workers.items() if a not in self._refused}
        joined = [address for address in threads if address not in self._threads]
        if self._threads:
            self._tell(joined, [address for address in self._threads if address not in threads])
            for address in self._strangers(joined):
                del threads[address]
        self._asked_at = time.monotonic()
        if threads or self._threads:
            self._some_at = self._asked_at
        self._threads = threads

    def words(self) -> list[str]:
        """What happened to workers since the last call."""
        said, self._words = self._words, []
        return said

    def last_words(self) -> list[str]:
        """What the nannies of workers logged, if a worker was lost."""
        if not self._lost_some or self._client.status != "running":
            return []
        logs = self._client.get_worker_logs(n=_LAST_LINES, nanny=True)
        said: dict[str, str] = {}  # nannies of one process share one log
        for address, lines in logs.items():
            for _, line in reversed(lines):
                said.setdefault(line, f"{address}: {line}")
        return list(said.values())

    def _tell(self, joined: Sequence[str], gone: Sequence[str]) -> None:
        if self._maximum is not None:  # they go as they come
            self._words += [f"the Dask worker at {address} left" for address in gone]
        else:
            self._words += [f"lost the Dask worker at {address}" for address in gone]
            self._lost_some |= bool(gone)
        self._words += [f"a Dask worker joined at {address}" for address in joined]

    def _strangers(self, joined: Collection[str]) -> list[str]:
        """Those of new workers that get no work, for their software is not ours."""
        if self._check == "off" or not joined:
            return []
        try:
            self._compare(list(joined), None)
        except ClusterError as error:
            strangers = self._differing(joined)
            self._words.append(f"{error.what}\nno work goes to {', '.join(strangers)}")
            self._refused.update(strangers)
            return strangers
        return []

    def _differing(self, joined: Collection[str]) -> list[str]:
        answers = self._answers(list(joined))
        ours = versions.here()
        return [a for a, said in answers.items() if versions.differences(ours, {a: said})]

    def _compare(self, workers: list[str] | None, scheduler: versions.Versions | None) -> None:
        found = versions.differences(versions.here(), self._answers(workers), scheduler)
        if not found:
            return
        refusal = versions.refusal(found, self._cluster)
        if self._check == "error":
            raise refusal
        self._words.append(refusal.what)

    def _answers(self, workers: list[str] | None) -> dict[str, Mapping[str, str | None]]:
        # Dask's own question: no code travels, so that it is understood by any Python.
        scheduler: Any = self._client.scheduler
        question = {"op": "versions", "packages": list(versions.PACKAGES)}
        said = self._client.sync(
            scheduler.broadcast, msg=question, workers=workers, on_error="ignore"
        )
        return {address: versions.answer(found["packages"]) for address, found in said.items()}

    # -- waiting for one -------------------------------------------------------------------

    def _need_one(self) -> None:
        """Wait until there is one that may get work; one that came may be gone again by now."""
        while not self._threads:
            self.refresh()
            if not self._threads:
                self._insist()
                self._wait_for_one()
                time.sleep(_AGAIN)

    def _insist(self) -> None:
        """Be patient only so long with a cluster that does not shrink by itself."""
        if self._maximum is None and time.monotonic() - self._some_at > self._patience:
            raise self._none_came()

    def _wait_for_one(self) -> None:
        try:
            if self._maximum is None:
                self._client.wait_for_workers(1, timeout=self._patience)
            else:  # a cluster that has shrunk to nothing grows when there is something to do
                self._client.submit(int, pure=False).result(timeout=self._patience)
        except TimeoutError as error:
            raise self._none_came() from error

    def _none_came(self) -> ClusterError:
        return ClusterError(
            f"no worker of the cluster came within {self._patience:g} s",
            where=written_at(self._cluster),
            fix="look at its dashboard or logs: an image that does not start, or no room for it",
        )

"""The small process that runs one command in its own session and leaves nothing of its tree behind.

It is a script, not a library: :mod:`orchestrator.process` starts it as ``python -I -S supervisor.py`` (the
standard library alone, so that it starts in tens of milliseconds), hands it one order through a pipe
and reads one report from another. It ends the command's whole tree when told to, at the deadline, and
when the process that started it is gone: the pipe of orders closes, or its parent changes. From then
on it reads, and throws away, what the command still says: a word that nobody hears is no error.

On Linux the supervisor adopts every orphan of the tree (``PR_SET_CHILD_SUBREAPER``), so a daemon that
forked twice, a ``setsid`` child and a ``nohup`` child are all found. Elsewhere only the command's
process group can be stopped (``GroupTree``): what left the group escapes.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from typing import Any

_SUBREAPER, _DEATH_SIGNAL = 36, 1  # PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG of <linux/prctl.h>
_LOOK = 0.5  #: seconds between two looks at whether the parent is still there
_ASK_AGAIN = 0.1  #: seconds between two looks for processes that were not asked to end yet
_CHUNK = 65_536  #: bytes that are thrown away at once
_KILL_FOR = 10.0  #: seconds of SIGKILL before what is left is reported as surviving
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class SubreaperTree:
    """Every descendant, found through ``/proc``; orphans are adopted, so none can hide."""

    def __init__(self) -> None:
        import ctypes

        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        self._prctl(_SUBREAPER, 1, 0, 0, 0)
        self.die_with_parent(signal.SIGUSR1)

    def die_with_parent(self, number: int) -> None:
        """Have the kernel send ``number`` to this process when the thread that forked it ends."""
        self._prctl(_DEATH_SIGNAL, int(number), 0, 0, 0)

    def adopt(self, pid: int) -> None:
        """Take a child in: nothing to do, all children count."""

    def pids(self) -> list[int]:
        """Return every living descendant of this process."""
        children = children_by_parent()
        found = [os.getpid()]
        for pid in found:
            found.extend(children.get(pid, ()))
        return found[1:]

    def adopted(self) -> list[int]:
        """Return the command and the orphans."""
        return children_by_parent().get(os.getpid(), [])

    def empty(self) -> bool:
        """Whether no child is left; a subreaper without children has no descendants."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return False


class GroupTree:
    """The process group of the command: all that can be known without ``/proc``."""

    def __init__(self) -> None:
        self._group = 0

    def die_with_parent(self, number: int) -> None:
        """Not known here: the pipe of orders and the look at the parent must do."""

    def adopt(self, pid: int) -> None:
        """Take the command in; it leads a group of its own."""
        self._group = pid

    def pids(self) -> list[int]:
        """Return the group, as a negative number that ``os.kill`` understands."""
        return [] if self.empty() else [-self._group]

    def adopted(self) -> list[int]:
        """Return the group, too: its members cannot be told apart."""
        return self.pids()

    def empty(self) -> bool:
        """Whether the group has no member left."""
        try:
            os.kill(-self._group, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False


def children_by_parent() -> dict[int, list[int]]:
    """Return the living children of each process."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            state, parent = _state_and_parent(entry)
            if state not in "ZX":
                children.setdefault(parent, []).append(int(entry))
    return children


def _state_and_parent(pid: str) -> tuple[str, int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may itself hold brackets and blanks.
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return "X", 0
    return state.decode(), int(parent)


class Supervisor:
    """Runs the order and stops its tree.

    Args:
        order: ``argv``, ``env``, ``cwd``, ``timeout`` and ``grace`` (seconds), ``stop_signal``,
            ``parent`` (pid), ``tree`` (``subreaper`` or ``group``), ``scratch`` (folder to delete).
        orders: Descriptor to read further orders from; its end means that the parent is gone.
        outputs: Reading ends of the command's output, which the parent reads while it is there.
    """

    def __init__(self, order: dict[str, Any], orders: int, outputs: Iterable[int] = ()) -> None:
        self.order = order
        self.orders = orders
        self.outputs = outputs
        self.unheard: set[int] = set()
        self.wakeup = _listen()
        self.tree: SubreaperTree | GroupTree
        self.tree = SubreaperTree() if order["tree"] == "subreaper" else GroupTree()
        self.main = 0
        self.status: int | None = None
        self.stopped = ""

    def run(self) -> dict[str, Any]:
        """Run the command to its end, or stop it; return the report."""
        error = self._start()
        if error:
            return {"error": error}
        self._watch()
        grace = self.order["grace"]
        # What the command started and left (`> >(tee log)`) may still have a word to finish.
        left = [] if self.stopped or self._emptied_within(grace) else self.tree.pids()
        survivors = self._stop(grace)
        return {
            "status": self.status,
            "stopped": self.stopped,
            "left": len(left),
            "survivors": survivors,
        }

    def _start(self) -> str:
        """Fork the command; return why it could not be started, or nothing."""
        told, tell = os.pipe()
        self.main = os.fork()
        if self.main == 0:
            self._become_command(tell)
        os.close(tell)
        with os.fdopen(told, "rb") as pipe:
            error = pipe.read().decode(errors="replace")
        self.tree.adopt(self.main)
        for stream in (1, 2):  # or the readers of the output would never see its end
            os.dup2(0, stream)
        return error

    def _become_command(self, tell: int) -> None:
        supervisor = os.getppid()
        try:
            os.setsid()  # `kill 0` in a script must not reach the supervisor
            self.tree.die_with_parent(signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(127)
            _forget_signals()
            os.chdir(self.order["cwd"])
            os.execvpe(self.order["argv"][0], self.order["argv"], self.order["env"])
        except BaseException as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            os.write(tell, reason.encode(errors="replace"))
        os._exit(127)

    def _watch(self) -> None:
        """Wait until the command ends or a reason to stop it comes up."""
        timeout = self.order["timeout"]
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.status is None and not self.stopped:
            left = _LOOK if deadline is None else min(_LOOK, max(0.0, deadline - time.monotonic()))
            self._wait(left)
            if deadline is not None and time.monotonic() >= deadline and self.status is None:
                self.stopped = "timeout"

    def _wait(self, seconds: float) -> None:
        """Sleep until something happens; reap, and note a reason to stop."""
        sources = {self.wakeup, *self.unheard} | ({self.orders} if self.orders >= 0 else set())
        ready = _readable(sources, seconds)
        numbers = os.read(self.wakeup, 512) if self.wakeup in ready else b""
        self._reap()
        self.unheard -= {output for output in self.unheard & ready if _ended(output)}
        reason = self.stopped
        if self.orders in ready:
            told = os.read(self.orders, 64)
            reason = reason or ("cancelled" if told else "orphaned")
            if not told:
                self._orphaned()
        if os.getppid() != self.order["parent"]:
            reason = reason or "orphaned"
            self._orphaned()
        if any(number in numbers for number in _STOPPING):
            reason = reason or "signal"
        self.stopped = reason

    def _orphaned(self) -> None:
        """Hear, once, that nobody reads the output any more."""
        if self.orders >= 0:
            self.orders = -1  # an end of file stays ready for ever
            self.unheard = set(self.outputs)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.main:
                self.status = os.waitstatus_to_exitcode(status)

    def _stop(self, grace: float) -> list[int]:
        """Ask the tree to end, wait, then kill it; return what survived even that."""
        asked: set[int] = set()
        deadline = time.monotonic() + grace
        while not self.tree.empty() and time.monotonic() < deadline:
            # Later rounds ask those whose parent ended between starting them and being asked itself;
            # what a living parent starts now is its tidying up.
            found = self.tree.adopted() if asked else self.tree.pids()
            # Parents first: none may take the end of what it started for the end of its work.
            late = [pid for pid in found if pid not in asked]
            _send(late, self.order["stop_signal"])
            _send(late, signal.SIGCONT)
            asked.update(late)
            self._emptied_within(min(_ASK_AGAIN, deadline - time.monotonic()))
        deadline = time.monotonic() + _KILL_FOR
        while not self.tree.empty() and time.monotonic() < deadline:
            _send(self.tree.pids(), signal.SIGKILL)
            self._emptied_within(0.02)
        self._reap()
        return self.tree.pids() if not self.tree.empty() else []

    def _emptied_within(self, seconds: float) -> bool:
        """Wait for the tree to end by itself; an order to stop cuts the wait short."""
        deadline, asked = time.monotonic() + seconds, self.stopped
        self._reap()
        while not self.tree.empty() and self.stopped == asked:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._wait(min(left, _LOOK if isinstance(self.tree, SubreaperTree) else 0.05))
        return self.tree.empty()


def _readable(sources: Iterable[int], seconds: float) -> set[int]:
    """Wait until one of them has something to read, or its end; whatever their numbers are."""
    poll = select.poll()  # select() knows no number above 1023, and the parent's go further
    for source in sources:
        poll.register(source, select.POLLIN)
    return {source for source, _ in poll.poll(seconds * 1000)}


def _ended(output: int) -> bool:
    """Read something and throw it away; whether that was the end."""
    return not os.read(output, _CHUNK)


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue


def _listen() -> int:
    """Make signals wake the loop through a pipe; return its reading end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (*_STOPPING, signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return reader


def _forget_signals() -> None:
    """Give the command the signals as a login shell would: the worker's ignored ones must not leak."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _delete(folder: str) -> None:
    """Delete a folder, as far as it can be: what is in the way does not change how the command ended."""
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files + folders:
            path = os.path.join(parent, name)
            try:
                os.rmdir(path) if name in folders and not os.path.islink(path) else os.unlink(path)
            except OSError:
                continue
    try:
        os.rmdir(folder)
    except OSError:
        return


def _read_order(orders: int) -> dict[str, Any]:
    size = int.from_bytes(os.read(orders, 8), "big")
    text = b""
    while len(text) < size:
        piece = os.read(orders, size - len(text))
        if not piece:
            raise SystemExit(1)
        text += piece
    return dict(marshal.loads(text))


def main(orders: int, report: int, *outputs: int) -> None:
    """Run one order read from ``orders``; write the report to ``report``."""
    for descriptor in (orders, report, *outputs):
        os.set_inheritable(descriptor, False)
    order = _read_order(orders)
    try:
        outcome = Supervisor(order, orders, outputs).run()
    finally:
        if order["scratch"]:
            _delete(order["scratch"])
    try:
        os.write(report, marshal.dumps(outcome))
    except OSError:
        return  # nobody is left to read it


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

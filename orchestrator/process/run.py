"""Runs one command under a supervisor: streamed output, deadline, cancellation, no process left behind."""

from __future__ import annotations

import marshal
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from orchestrator.errors import ConfigurationError, WorkerLostError
from orchestrator.model import context
from orchestrator.process.output import Lines, Stream
from orchestrator.process.result import CommandFailed, ProcessResult

OnLine = Callable[[Stream, str], None]

#: How a tree is found: all of it on Linux, elsewhere the command's process group only.
TREE = "subreaper" if sys.platform == "linux" else "group"
#: Name of the variable that marks every process of one command, to find them if the supervisor dies.
MARK = "ORCHESTRATOR_PROCESS"

#: The program that watches one command.
SUPERVISOR = Path(__file__).with_name("supervisor.py")
_CHUNK = 65_536  #: bytes read at once
_SHOWN_LINES, _SHOWN_LINE = 20, 2_000  #: the tail that errors show, in lines and characters
_LOOK = 0.1  #: seconds between two looks at the cancel event
_DRAIN = 1.0  #: seconds without output after which pipes that survivors hold are given up
#: Options that make a shell stop at the first failing command, and see failures inside pipes.
_STRICT = {
    **dict.fromkeys(("bash", "zsh", "ksh"), ("-e", "-o", "pipefail")),
    **dict.fromkeys(("sh", "dash", "ash"), ("-e",)),
}


class Event(Protocol):
    """What can say that it is set, as :class:`threading.Event` does."""

    def is_set(self) -> bool:
        """Whether it is set."""
        ...


def run_process(
    command: str | Sequence[str],
    *,
    shell: str = "bash",
    strict: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    on_line: OnLine | None = None,
    timeout: float | None = None,
    cancel: Event | Callable[[], bool] | None = None,
    grace: float = 5.0,
    stop_signal: int = signal.SIGTERM,
    keep: int | None = 1,
    longest: int = 65_536,
    scratch: str | os.PathLike[str] | None = None,
    pass_fds: Sequence[int] = (),
) -> ProcessResult:
    """Run a command to its end and return how it ended; a failing command is no error here.

    To stop it, the whole tree gets ``stop_signal``, then ``grace`` seconds, then SIGKILL: at the
    deadline, when ``cancel`` is set, when this call is interrupted, when this process dies. What the
    command leaves running in the background gets ``grace`` seconds to end by itself, then the same.

    Args:
        command: Words, or the text of a shell script. Values belong into words or ``env``, never
            into the text.
        shell: The shell that reads a text.
        strict: Whether the shell stops at the first failing command, also inside a pipe.
        env: The whole environment; a copy of this process's if left out. See
            :func:`child_environment`. (One variable, ``ORCHESTRATOR_PROCESS``, is added to it.)
        cwd: Folder to run in; the present one if left out.
        on_line: Called as ``on_line("stdout"|"stderr", text)`` for each line while it runs, without
            the line's end; bytes that are not UTF-8 are replaced.
        timeout: Seconds until it is stopped.
        cancel: An event, or a function that says whether to stop; the running task's if left out.
        grace: Seconds between asking to end and killing.
        stop_signal: How it is asked to end.
        keep: How many last lines of standard output the result holds; None for all.
        longest: Bytes of a line, about, above which ``on_line`` gets it in pieces.
        scratch: A folder that is deleted at the end, even when this process is killed meanwhile.
        pass_fds: Open descriptors that the command gets under the same numbers.

    Raises:
        CommandFailed: It cannot be started.
        WorkerLostError: Its supervisor was killed.

    Example:
        >>> run_process(["echo", "hello"]).stdout
        ('hello',)
    """
    if os.name != "posix":
        raise ConfigurationError(
            "commands cannot be supervised on this system",
            fix="run the worker on Linux or macOS (on Windows: in WSL)",
        )
    folder = Path(scratch) if scratch else _new_scratch() if isinstance(command, str) else None
    try:
        order = {
            "argv": _words(command, shell, strict, folder),
            "env": _marked(dict(os.environ) if env is None else env),
            "cwd": _folder(cwd),
            "timeout": timeout,
            "grace": grace,
            "stop_signal": int(stop_signal),
            "parent": os.getpid(),
            "tree": TREE,
            "scratch": str(folder) if folder else "",
        }
        return _Running(order, on_line, _asked(cancel), keep, longest, pass_fds).wait()
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def child_environment(
    extra: Mapping[str, object] | None = None, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a new environment: ``base`` (this process's if left out) with ``extra`` laid over it.

    Args:
        extra: Values are turned into text; None takes a variable away.

    Raises:
        ConfigurationError: A name or a value cannot stand in an environment.

    Example:
        >>> child_environment({"N": 3, "HOME": None}, base={"HOME": "/root"})
        {'N': '3'}
    """
    made = dict(os.environ if base is None else base)
    for name, value in (extra or {}).items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise ConfigurationError(f"{name!r} cannot be the name of an environment variable")
        if value is None:
            made.pop(name, None)
            continue
        made[name] = str(value)
        if "\0" in made[name]:
            raise ConfigurationError(f"the value of the environment variable {name} holds a NUL")
    return made


def _cancel_event() -> threading.Event | None:
    running = context.active()
    return running.cancelled if running else None


def _asked(cancel: Event | Callable[[], bool] | None) -> Callable[[], bool]:
    cancel = _cancel_event() if cancel is None else cancel
    if cancel is None:
        return lambda: False
    return cancel.is_set if hasattr(cancel, "is_set") else cancel


def _new_scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="orchestrator-"))


def _words(
    command: str | Sequence[str], shell: str, strict: bool, folder: Path | None
) -> list[str]:
    if not isinstance(command, str):
        words = [str(word) for word in command]
        if not words:
            raise ConfigurationError("the command is empty", fix="give at least the program")
        return words
    assert folder is not None
    script = folder / "command.sh"
    script.write_text(
        command if command.endswith("\n") else command + "\n", "utf-8", "surrogateescape"
    )
    options = _STRICT.get(os.path.basename(shell), ()) if strict else ()
    return [shell, *options, str(script)]


def _marked(env: Mapping[str, str]) -> dict[str, str]:
    return {**env, MARK: f"{os.getpid()}-{os.urandom(8).hex()}"}


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _folder(cwd: str | os.PathLike[str] | None) -> str:
    folder = os.path.abspath(os.path.expanduser(os.fspath(cwd))) if cwd else os.getcwd()
    if not os.path.isdir(folder):
        raise CommandFailed(f"the folder to run in does not exist: {folder}", fix="correct cwd")
    return folder


class _Running:
    """One command under way: its supervisor, the three pipes that are read, the output so far."""

    def __init__(
        self,
        order: dict[str, Any],
        on_line: OnLine | None,
        asked: Callable[[], bool],
        keep: int | None,
        longest: int,
        pass_fds: Sequence[int],
    ) -> None:
        self.pass_fds = tuple(pass_fds)
        self.order = order
        self.on_line = on_line
        self.asked = asked
        self.longest = longest
        self.report = b""
        self.tail: deque[str] = deque(maxlen=_SHOWN_LINES)
        self.kept: deque[str] = deque(maxlen=keep)
        self.told = False
        self.started = time.monotonic()

    def wait(self) -> ProcessResult:
        """Start it, read to its end, and return how it ended."""
        orders_in, self.orders = os.pipe()
        self.reports, report_out = os.pipe()
        pipes: dict[Stream, tuple[int, int]] = {"stdout": os.pipe(), "stderr": os.pipe()}
        self.outputs = {stream: reader for stream, (reader, _) in pipes.items()}
        writers = {stream: writer for stream, (_, writer) in pipes.items()}
        mine = (self.orders, self.reports, *self.outputs.values())
        # The supervisor holds the reading ends, too: if this process dies, it goes on reading.
        given = (orders_in, report_out, *self.outputs.values())
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), *map(str, given)],
                stdin=subprocess.DEVNULL,
                stdout=writers["stdout"],
                stderr=writers["stderr"],
                pass_fds=(*given, *self.pass_fds),
                start_new_session=True,
            )
        except BaseException:
            _close(mine)
            raise
        finally:
            _close((orders_in, report_out, *writers.values()))
        try:
            return self._supervised()
        finally:
            os.close(self.orders)  # whatever happened: this ends the tree
            self.process.wait()
            _close(mine[1:])

    def _supervised(self) -> ProcessResult:
        self._hand_over()
        try:
            self._pump()
        except BaseException:
            # The reader gives up (or ^C): the tree goes first, then the error is passed on.
            self.on_line = None
            self._stop()
            self._pump()
            raise
        return self._result()

    def _hand_over(self) -> None:
        text = marshal.dumps(self.order)
        data = memoryview(len(text).to_bytes(8, "big") + text)
        try:
            while data:
                data = data[os.write(self.orders, data) :]
        except BrokenPipeError:
            return  # the missing report tells

    def _stop(self) -> None:
        if not self.told:
            self.told = True
            try:
                os.write(self.orders, b"stop")
            except OSError:
                return  # it ended meanwhile

    def _pump(self) -> None:
        """Read output and report until both are at their end."""
        with selectors.DefaultSelector() as selector:
            for stream, pipe in self.outputs.items():
                selector.register(
                    pipe, selectors.EVENT_READ, Lines(stream, self._take, self.longest)
                )
            selector.register(self.reports, selectors.EVENT_READ, None)
            reported = False
            while selector.get_map():
                ready = selector.select(_DRAIN if reported else _LOOK)
                if reported and not ready:
                    break
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    if key.data is None:
                        self.report += data
                        reported = not data
                    else:
                        key.data.feed(data)
                if self.asked():
                    self._stop()

    def _take(self, stream: Stream, text: str, whole: str | None) -> None:
        if whole is not None:
            self.tail.append(whole[:_SHOWN_LINE])
            if stream == "stdout":
                self.kept.append(whole)
        if self.on_line is not None:
            self.on_line(stream, text)

    def _result(self) -> ProcessResult:
        if not self.report:
            self._lost()
        report = marshal.loads(self.report)
        if "error" in report:
            raise CommandFailed(
                f"cannot start {self.order['argv'][0]!r}: {report['error']}",
                where=self.order["cwd"],
                fix="check that the program is installed and on the PATH of this task",
            )
        code = report["status"] if report["status"] is not None else -int(signal.SIGKILL)
        return ProcessResult(
            returncode=code,
            signal=-code if code < 0 else None,
            last_lines=tuple(self.tail),
            stdout=tuple(self.kept),
            duration=time.monotonic() - self.started,
            stopped=report["stopped"],
            left=report["left"],
            survivors=tuple(report["survivors"]),
        )

    def _lost(self) -> None:
        """The supervisor ended without a report: end what it watched, by its mark."""
        ended = self.process.wait()
        sweep(self.order["env"][MARK])
        raise WorkerLostError(
            f"the supervisor of {self.order['argv'][0]!r} died (exit {ended}) before the command ended",
            where="\n".join(self.tail) or None,
            fix="look whether the machine ran out of memory, then run the task again",
        )


def sweep(mark: str, seconds: float = 5.0) -> None:
    """Kill every process that carries ``mark`` in its environment (Linux; elsewhere nothing).

    The last resort when a supervisor was killed: a process that cleared its environment escapes.
    """
    wanted = f"{MARK}={mark}".encode()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [pid for pid in _pids() if wanted in _environment(pid)]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def _pids() -> list[int]:
    return (
        [int(name) for name in os.listdir("/proc") if name.isdigit()] if TREE == "subreaper" else []
    )


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""

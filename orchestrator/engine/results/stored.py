"""Results that are stored: written where they were made, read where they are needed, by reference."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from orchestrator import instants
from orchestrator.engine import outcome
from orchestrator.engine.messages import Attempt, Gathered
from orchestrator.engine.results import files, formats
from orchestrator.engine.results.files import ResultError
from orchestrator.errors import FlowError
from orchestrator.model.binding import Promise

_UNSAFE = re.compile(r"[^\w.=@+\[\]-]+")
#: Bytes up to which a file elsewhere is read to see whether it is what was written.
_LOOKED_AT = 16 * 2**20
_ELEMENT = re.compile(r"\[(\d+)\]$")


@dataclass(frozen=True, slots=True)
class Stored(Promise):
    """Stands for a result that lies in a file.

    Args:
        location: Absolute path, or URL as fsspec takes it.
        format: ``json``, ``parquet`` or ``pickle``.
        digest: Of its bytes; what lies there with another one is not this result.
        size: Bytes.
        length: Number of elements, where it is a list.
        lengths: Those of its elements, where it is a list of lists.
        path: Which element of it is meant, and which of that, …; it whole, if empty.
    """

    location: str
    format: str
    digest: str
    size: int
    length: int | None = None
    lengths: tuple[int, ...] | None = None
    path: tuple[int, ...] = ()

    def described(self) -> dict[str, Any]:
        """As the run store keeps it."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: value for name, value in known.items() if name != "path"}

    def __getitem__(self, element: int) -> Stored:
        """Stands for one element of it; nothing is read."""
        return replace(self, path=(*self.path, element))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.load())

    def take(self, inputs: Sequence[Any]) -> Any:
        """The value, as any promise of an attempt gives it."""
        return self.load()

    def load(self) -> Any:
        """Read the value; a pickle is unpickled, so only where tasks run.

        Raises:
            ResultError: It is gone, or something else lies there.
        """
        value = formats.load(self.format, self._checked(files.read(self.location)))
        for number in self.path:
            value = value[number]
        return value

    def missing(self) -> str:
        """Say what is wrong with the file, without making its value; nothing if all is well.

        Of a large file elsewhere only the size is looked at. Where this process cannot reach it
        at all, who takes it will see.
        """
        try:
            if files.local(self.location) is not None or self.size <= _LOOKED_AT:
                self._checked(files.read(self.location))
            elif files.size(self.location) != self.size:
                return f"its stored result was changed: {self.location}"
        except ResultError as error:
            return error.what
        except FlowError:
            return ""
        except Exception as error:  # each kind of file system has its own
            return f"its stored result cannot be looked at: {outcome.safe_text(error)}"
        return ""

    def _checked(self, data: bytes) -> bytes:
        if _digest(data) != self.digest:
            raise ResultError(
                f"its stored result was changed: {self.location}",
                fix="`orchestrator runs retry` runs the task that makes it again",
            )
        return data


def given(kept: Mapping[str, Any]) -> Any:
    """What stands for the result of a task that need not run again: its value, or a reference.

    Args:
        kept: ``{"value": …}``, or ``{"location": …, "format": …}``.
    """
    return kept["value"] if "value" in kept else _stored(kept)


def unusable(kept: Mapping[str, Any]) -> str:
    """Say why a kept result cannot be used; nothing if it can."""
    return "" if "value" in kept else _stored(kept).missing()


def usable(done: Mapping[str, Any]) -> dict[str, Any]:
    """What succeeded, without the results of single elements that cannot be read again."""
    return {
        key: None if kept is not None and _ELEMENT.search(key) and unusable(kept) else kept
        for key, kept in done.items()
    }


def _stored(kept: Mapping[str, Any]) -> Stored:
    lengths = kept.get("lengths")
    return Stored(**{**kept, "lengths": None if lengths is None else tuple(lengths)})


def taken(slot: Any, inputs: list[Any]) -> Any:
    """What a slot stands for, read where it is a reference."""
    value = slot.take(inputs)
    if isinstance(slot, Gathered):
        return [item.load() if isinstance(item, Stored) else item for item in value]
    return value.load() if isinstance(value, Stored) else value


def wanted(attempt: Attempt) -> bool:
    """Whether the result of this attempt is to be stored."""
    return bool(attempt.task.persist or attempt.task.result)


def store(attempt: Attempt, value: Any, arguments: Mapping[str, Any]) -> Stored:
    """Write a result where its task wants it.

    Args:
        attempt: Whose it is.
        value: The result.
        arguments: Of the task, for a location that names them.

    Raises:
        FlowError: The location cannot be made out, or the value does not fit the format.
        OSError: It cannot be written.
    """
    form = attempt.task.serializer
    if attempt.task.result:
        location = located(attempt, attempt.task.result, arguments)
        return write(location, value, form or formats.of_suffix(location))
    data, form = formats.dump(value, form)
    name = f"{safe_name(attempt.key)}-{attempt.number}.{formats.SUFFIX[form]}"
    place = results_folder(attempt) / safe_name(attempt.flow) / safe_name(attempt.run_id) / name
    return put(str(place), data, form, value)


def results_folder(attempt: Attempt) -> Path:
    """The folder that results without a location of their own go to."""
    return Path(attempt.state_dir or ".orchestrator").absolute() / "results"


def write(location: str, value: Any, form: str | None) -> Stored:
    """Write a value; the format is chosen by the value where ``form`` is None."""
    data, form = formats.dump(value, form)
    return put(location, data, form, value)


def put(location: str, data: bytes, form: str, value: Any) -> Stored:
    """Write bytes whole or not at all; a reader never sees a part of them."""
    files.write(location, data)
    return lying(location, data, form, value)


def lying(location: str, data: bytes, form: str, value: Any) -> Stored:
    """What stands for a value whose bytes lie somewhere."""
    length, lengths = outcome.lengths(value)
    return Stored(location, form, _digest(data), len(data), length, lengths)


def located(attempt: Attempt, template: str, arguments: Mapping[str, Any]) -> str:
    """The path or URL that a task's ``result=`` or ``target=`` means for an attempt.

    Raises:
        FlowError: It cannot be filled in, or all elements of a mapped task would share one file.
    """
    names = {**_arguments(arguments), **_names(attempt)}
    try:
        filled = template.format_map(names)
    except (KeyError, IndexError, AttributeError, ValueError) as error:
        raise FlowError(
            f"result={template!r} of task {attempt.task.name!r} cannot be filled in: {error}",
            fix="names that can stand in it: " + ", ".join(sorted(names)),
        ) from error
    if _ELEMENT.search(attempt.key) and not re.search(r"\{(task|map_index)\b", template):
        raise FlowError(
            f"result={template!r} of task {attempt.task.name!r} is one file for all elements",
            fix="put {map_index} in it",
        )
    if "://" in filled or os.path.isabs(filled):
        return filled
    return os.path.normpath(results_folder(attempt) / filled)


def _names(attempt: Attempt) -> dict[str, Any]:
    at = (attempt.scheduled_time or instants.now()).astimezone(UTC)
    element = _ELEMENT.search(attempt.key)
    task = safe_name(attempt.key)
    return {
        "flow": safe_name(attempt.flow), "flow_name": safe_name(attempt.flow), "task": task,
        "task_name": safe_name(attempt.task.name), "run_id": safe_name(attempt.run_id),
        "flow_run_id": safe_name(attempt.run_id), "attempt": attempt.number,
        "map_index": element[1] if element else "", "date": at, "today": f"{at:%Y-%m-%d}",
        "parameters": _arguments(attempt.parameters),
    }  # fmt: skip


def _arguments(values: Mapping[str, Any]) -> dict[str, str]:
    """Plain values as parts of a path: nothing in them can lead out of the folder."""
    plain = str | int | float
    return {k: safe_name(str(v)) for k, v in values.items() if isinstance(v, plain)}


def safe_name(text: str) -> str:
    """A text as one part of a path that cannot lead anywhere else."""
    cut = _UNSAFE.sub("_", text)[:150]
    return "_" if set(cut) <= {"."} else cut


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()

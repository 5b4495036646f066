"""Where a task's results are to lie, and what Prefect 1 calls such a place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.cache import Cache

#: The name of a result that nobody named: no other run and no other task writes there.
_OWN_NAME = "{flow}/{run_id}/{task}-{attempt}"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for results, here or elsewhere.

    Args:
        folder: Path or URL; below the project's own folder of results if empty.
        location: Name of each file in it, with ``{task}`` and the like in it.
    """

    folder: str = ""
    location: str | None = None

    def file(self, name: str | None = None) -> str:
        """The whole name of a file in it, as ``result=`` takes it."""
        plain = self.folder.replace("{", "{{").replace("}", "}}")
        return (plain.rstrip("/") + "/" if plain else "") + (name or self.location or _OWN_NAME)


class LocalResult(Place):
    """A folder of this machine.

    Args:
        dir: The folder, relative to the current one; the project's folder of results if left out.
        validate_dir: Whether the folder must be there already; it is made when it is needed.
        location: Name of each file in it.

    Example:
        >>> LocalResult("/data").file("{task}.json")
        '/data/{task}.json'
    """

    def __init__(
        self, dir: str | None = None, validate_dir: bool = False, location: str | None = None
    ) -> None:
        folder = os.path.abspath(os.path.expanduser(dir)) if dir else ""
        Place.__init__(self, folder, location)
        if validate_dir and folder and not os.path.isdir(folder):
            raise FlowError(f"there is no folder {folder}", fix="make it, or name another")


class S3Result(Place):
    """A bucket of S3, reached by fsspec where tasks run.

    Args:
        bucket: Its name.
        location: Name of each object in it.

    Example:
        >>> S3Result("acme").file("{task}.json")
        's3://acme/{task}.json'
    """

    def __init__(self, bucket: str, location: str | None = None) -> None:
        Place.__init__(self, f"s3://{bucket}", location)


class GCSResult(Place):
    """A bucket of Google Cloud Storage, reached by fsspec where tasks run.

    Args:
        bucket: Its name.
        location: Name of each object in it.
    """

    def __init__(self, bucket: str, location: str | None = None) -> None:
        Place.__init__(self, f"gs://{bucket}", location)


def place(said: str | Place | None) -> str | None:
    """What ``result=`` says, as a text with names to be filled in."""
    return said.file() if isinstance(said, Place) else said


def kept(
    result: str | Place | None, target: str | None, checkpoint: bool | None, persist: bool
) -> tuple[str | None, str | None, bool]:
    """Of what a task was told of its results: ``result``, ``target`` and ``persist``.

    Args:
        result: Where it is stored.
        target: Likewise; and what lies there is the result, so that the task need not run.
        checkpoint: Prefect 1's word for ``persist``; False stores nothing at all.
        persist: Whether it is stored without a place of its own.

    Example:
        >>> kept(S3Result("acme"), "{today}.json", None, False)
        ('s3://acme/{today}.json', 's3://acme/{today}.json', False)
    """
    if checkpoint is False:
        return None, None, False
    if target is None:
        return place(result), None, persist or bool(checkpoint)
    if not isinstance(target, str) or isinstance(result, str):
        raise FlowError(
            f"target={target!r} cannot be the name of a result",
            fix='give a text, target="{task}-{today}.json", and the folder by result=LocalResult(…)',
        )
    file = (result or Place()).file(target)
    return file, file, persist


def cache_of(cache: Any, cache_for: timedelta | None, validator: tuple[str, ...]) -> Cache | None:
    """The rule of ``cache=``, or what ``cache_for=`` and ``cache_validator=`` say in its place.

    Example:
        >>> cache_of(None, timedelta(hours=1), ("inputs",)).by
        ('inputs',)
    """
    if cache_for is None or "never_use" in validator:
        return Cache.of(cache)
    return Cache(by=validator, expires=cache_for)

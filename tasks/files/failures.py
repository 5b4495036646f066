"""Says why a file cannot be reached, in words that name it: foreign errors are translated here."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import ConfigurationError, InfrastructureError, OrchestratorError
from orchestrator.secrets import masker

#: The extra that brings what fsspec needs for a kind of address.
_EXTRAS = {"s3": "s3", "s3a": "s3"}
_CREDENTIALS = (
    'give storage_options={"key": "secret:NAME", "secret": "secret:NAME"} of who may do this'
    " (target_storage_options, for the target of a copy)"
)
#: What S3 says, by its code: what happened and what to do.
_SAID = {
    "NoSuchBucket": ("there is no such bucket", "check the name of the bucket"),
    "InvalidAccessKeyId": ("the access key is not known there", _CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret key does not fit the access key", _CREDENTIALS),
    "InvalidToken": ("the session token is not valid", _CREDENTIALS),
    "ExpiredToken": ("the session token has expired", _CREDENTIALS),
    "AccessDenied": ("access is denied", _CREDENTIALS),
    "403": ("access is denied", _CREDENTIALS),
}
_UNREACHABLE = (
    "EndpointConnectionError", "ConnectTimeoutError", "ClientConnectorError", "ConnectionError",
    "ConnectionRefusedError", "TimeoutError", "ReadTimeoutError", "ConnectionClosedError",
)  # fmt: skip
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")


class FileError(InfrastructureError):
    """Raised when a file cannot be read or written where it lies.

    Attributes:
        code: What the file system calls it (``ENOENT``, ``EACCES``, ``NoSuchBucket``), for
            ``retry_on``.
    """

    code: str | None = None


class FileMissingError(FileError):
    """Raised when there is no file at an address."""

    code = "ENOENT"


class FileDeniedError(FileError):
    """Raised when a file may not be read or written by who asks."""

    code = "EACCES"


class BadFileError(FileError):
    """Raised when a file is not what its format says."""

    code = "BAD_FILE"


@contextmanager
def telling(address: str, verb: str = "read") -> Iterator[None]:
    """Translate what file systems raise in the block.

    Args:
        address: The file that it is about.
        verb: What is done with it.

    Raises:
        FileError: The file is missing, denied, or its store cannot be reached.
        ConfigurationError: The address, or what is said of its store, cannot be used.

    Example:
        >>> with telling("in/orders.csv"):
        ...     raise FileNotFoundError
        Traceback (most recent call last):
        tasks.files.failures.FileMissingError: there is no file in/orders.csv
          fix:   check the address; relative ones begin at the project's folder
    """
    try:
        yield
    except (OrchestratorError, InterruptedError):
        raise
    except Exception as error:
        told = told_of(error, address, verb)
        if told is None:
            raise
        raise told from None  # the foreign error may hold keys and signed addresses


def told_of(error: Exception, address: str, verb: str) -> OrchestratorError | None:
    """What people are told of an error; None where it is no file system's."""
    protocol = address.partition("://")[0] if "://" in address else "file"
    chain = list(_chain(error))
    if isinstance(error, ImportError):
        return missing_extra(address, _EXTRAS.get(protocol), error)
    code = next((code for one in chain if (code := _s3_code(one))), None)
    if code in _SAID:
        what, fix = _SAID[code]
        kind = FileDeniedError if fix is _CREDENTIALS else FileMissingError
        return _coded(kind(f"cannot {verb} {address}: {what}", fix=fix), code)
    names = {type(one).__name__ for one in chain}
    if names & {*_NO_CREDENTIALS}:
        return _coded(
            FileDeniedError(f"cannot {verb} {address}: no credentials", fix=_CREDENTIALS), None
        )
    if names & {*_UNREACHABLE}:
        what = f"cannot {verb} {address}: its store cannot be reached ({_text(error)})"
        return _coded(
            FileError(what, fix="check the network, and endpoint_url in storage_options"),
            "UNREACHABLE",
        )
    return _of_system(error, address, verb, code)


def missing_extra(address: str, extra: str | None, error: ImportError) -> ConfigurationError:
    """Say which package is to be installed."""
    install = f'pip install "analytics-orchestrator[{extra}]"' if extra else None
    return ConfigurationError(
        f"{address} needs a package that is not installed: {_text(error)}",
        fix=f"where tasks run: {install}" if install else "install it where tasks run",
    )


def _of_system(
    error: Exception, address: str, verb: str, code: str | None
) -> OrchestratorError | None:
    if isinstance(error, FileNotFoundError):
        return FileMissingError(
            f"there is no file {address}",
            fix="check the address; relative ones begin at the project's folder",
        )
    if isinstance(error, PermissionError):
        what = f"cannot {verb} {address}: permission denied"
        remote = "://" in address and not address.startswith("file:")
        mode = f"let the user that tasks run as {verb} it"
        return _coded(FileDeniedError(what, fix=_CREDENTIALS if remote else mode), code)
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        what = "a folder" if isinstance(error, IsADirectoryError) else "no folder"
        return FileError(f"cannot {verb} {address}: it is {what}", fix="check the address")
    if isinstance(error, OSError) or code is not None:
        return _coded(FileError(f"cannot {verb} {address}: {_text(error)}"), code or _name(error))
    if isinstance(error, ValueError) and "rotocol" in str(error):
        return ConfigurationError(
            f"{address} cannot be reached: {_text(error)}",
            fix="begin the address with s3://, or another scheme that fsspec knows",
        )
    return None


def _coded(error: FileError, code: str | None) -> FileError:
    if code is not None:
        error.code = code
    return error


def _name(error: Exception) -> str | None:
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number) if isinstance(number, int) else None


def _s3_code(error: BaseException) -> str | None:
    response: Any = getattr(error, "response", None)
    found = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(found) if found else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    for _ in range(20):
        if at is None:
            return
        yield at
        at = at.__cause__ or at.__context__


def _text(error: BaseException) -> str:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return masker().mask(first)[:300]

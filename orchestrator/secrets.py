"""Secrets: references that never hold a value, where values come from, and masking them in text."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shlex
import stat
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, quote_plus, unquote

from orchestrator.errors import ConfigurationError

FILE_NAME = "secrets.toml"
ENVIRONMENT_PREFIX = "ORCHESTRATOR_SECRET_"
MASK = "***"
MINIMUM = 6  #: characters; shorter values would mask half of every log

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_WHOLE = re.compile(rf"^(secret|env):({_NAME})$")
_EMBEDDED = re.compile(rf"\{{(secret|env_var):({_NAME})\}}")
_SENSITIVE = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|APIKEY|PRIVATE_KEY|_KEY$|^PASS$|_PASS$",
    re.IGNORECASE,
)
_ALWAYS = ("DBT_ENV_SECRET_", ENVIRONMENT_PREFIX)
_PASSWORD_IN_URL = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_ONLY_A_PLACE = re.compile(r"_(FILE|PATH|DIR|URL)$", re.IGNORECASE)
_LINE_OF_SECRET = 12  #: characters of a line of a secret of several lines (a key in PEM form)
_BASE64_PART = 6


class SecretProvider(Protocol):
    """A place that secrets come from."""

    def get(self, name: str) -> str | None:
        """Return the value of a secret, or None if it is not known here."""
        ...

    def hint(self, name: str) -> str:
        """Say in a few words how the secret is set here."""
        ...


@dataclass(frozen=True)
class EnvironmentSecrets:
    """Secrets in environment variables ``ORCHESTRATOR_SECRET_NAME``."""

    environ: Mapping[str, str] | None = None

    def get(self, name: str) -> str | None:
        """Return the variable's value, the name as it stands or in capitals."""
        environ = os.environ if self.environ is None else self.environ
        capitals = re.sub(r"[^A-Z0-9_]", "_", name.upper())
        found = environ.get(ENVIRONMENT_PREFIX + name)
        return environ.get(ENVIRONMENT_PREFIX + capitals) if found is None else found

    def hint(self, name: str) -> str:
        """Name the variable."""
        return f"set the environment variable {ENVIRONMENT_PREFIX}{name.upper()}"

    def __repr__(self) -> str:
        return "EnvironmentSecrets()"


@dataclass(frozen=True)
class FileSecrets:
    """Secrets in a TOML file of ``NAME = "value"`` lines that only its owner may read.

    Args:
        path: The file; it may be missing.
    """

    path: Path

    def get(self, name: str) -> str | None:
        """Return the value.

        Raises:
            ConfigurationError: Others may read the file, or it is not TOML, or the value is no text.
        """
        value = self._table().get(name)
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(
                f"secret {name!r} is not text", where=str(self.path), fix=f'write {name} = "…"'
            )
        return value

    def hint(self, name: str) -> str:
        """Name the line to write."""
        return f'add {name} = "…" to {self.path} (mode 0600)'

    def _table(self) -> dict[str, Any]:
        try:
            with open(self.path, "rb") as file:
                if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise ConfigurationError(
                        "the file of secrets can be read by others",
                        where=str(self.path),
                        fix=f"chmod 600 {shlex.quote(str(self.path))}",
                    )
                return tomllib.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            # TOML errors name a place, never the text: nothing of a secret shows.
            raise ConfigurationError(
                f"the file of secrets cannot be read: {error}", where=str(self.path)
            ) from None


@dataclass(frozen=True)
class ChainedSecrets:
    """Several places, the first that knows a secret wins."""

    providers: Sequence[SecretProvider]

    def get(self, name: str) -> str | None:
        """Return the first value found."""
        found = (provider.get(name) for provider in self.providers)
        return next((value for value in found if value is not None), None)

    def hint(self, name: str) -> str:
        """Join the hints."""
        return ", or ".join(provider.hint(name) for provider in self.providers)


def default_provider(state_dir: Path) -> SecretProvider:
    """Return the places of a project: the environment, then ``secrets.toml`` in its state folder."""
    return ChainedSecrets((EnvironmentSecrets(), FileSecrets(Path(state_dir) / FILE_NAME)))


_provider: ContextVar[SecretProvider] = ContextVar("orchestrator_secret_provider")


@contextmanager
def provided_by(provider: SecretProvider) -> Iterator[None]:
    """Make ``provider`` the place that :meth:`Secret.get` asks within a block."""
    token = _provider.set(provider)
    try:
        yield
    finally:
        _provider.reset(token)


@dataclass(frozen=True)
class Secret:
    """The name of a secret; its value is fetched when it is needed and kept nowhere.

    Args:
        name: As the provider knows it, or ``env:NAME`` for a plain environment variable.

    Example:
        >>> secret = Secret("warehouse_password")
        >>> secret
        Secret('warehouse_password')
        >>> with provided_by(EnvironmentSecrets({"ORCHESTRATOR_SECRET_WAREHOUSE_PASSWORD": "s3same"})):
        ...     secret.get()
        's3same'
    """

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"(env:)?{_NAME}", self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a secret",
                fix="use letters, digits, _ . and -, or env:NAME",
            )

    def get(self) -> str:
        """Return the value; from now on it is masked in logs.

        Raises:
            ConfigurationError: It is set nowhere.
        """
        kind, _, rest = self.name.rpartition(":")
        value, fix = _of_environment(rest) if kind else _of_provider(self.name)
        if value is None:
            raise ConfigurationError(f"secret {self.name!r} is not set", fix=fix)
        if not kind or is_sensitive(rest):
            masker().add(value)
        return value

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"


def _of_environment(name: str) -> tuple[str | None, str]:
    return os.environ.get(name), f"set the environment variable {name}"


def _of_provider(name: str) -> tuple[str | None, str]:
    provider = _provider.get(EnvironmentSecrets())
    return provider.get(name), provider.hint(name)


def resolve(value: Any, key: str = "") -> Any:
    """Return a copy of a setting with its secret references replaced by their values.

    References are ``secret:NAME`` and ``env:NAME`` as a whole text, and ``{secret:NAME}`` and
    ``{env_var:NAME}`` anywhere in one. Values under keys that sound secret are masked from now on.

    Args:
        value: A text, or mappings and lists of them.
        key: The key it stands under.

    Raises:
        ConfigurationError: A secret is not set.

    Example:
        >>> with provided_by(EnvironmentSecrets({"ORCHESTRATOR_SECRET_PG": "s3same"})):
        ...     resolve({"user": "me", "password": "secret:PG"})
        {'user': 'me', 'password': 's3same'}
    """
    if isinstance(value, Mapping):
        return {k: resolve(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, key) for item in value]
    if not isinstance(value, str):
        return value
    found = _EMBEDDED.sub(lambda hit: _fetched(hit[1], hit[2]), value)
    if whole := _WHOLE.match(value):
        found = _fetched(whole[1], whole[2])
    if is_sensitive(key):
        masker().add(found)
    return found


def _fetched(kind: str, name: str) -> str:
    return Secret(name if kind == "secret" else f"env:{name}").get()


def is_sensitive(name: str) -> bool:
    """Whether a variable or key of this name holds a secret, as far as its name tells.

    Example:
        >>> is_sensitive("PGPASSWORD"), is_sensitive("PGPASSWORD_FILE"), is_sensitive("PGUSER")
        (True, False, False)
    """
    if name.startswith(_ALWAYS):
        return True
    return bool(_SENSITIVE.search(name)) and not _ONLY_A_PLACE.search(name)


class Masker:
    """Replaces secrets in text, in every form they are commonly written in. A best effort.

    Known forms: as it stands, quoted for a URL, a shell, HTML, JSON and Python, and in base64, also
    in the middle of a longer base64 text (``user:password`` of an HTTP header).

    Example:
        >>> masker = Masker()
        >>> masker.add("pass word!")
        >>> masker.mask("login me:pass%20word%21@host")
        'login me:***@host'
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()
        self.longest = 0  #: characters of the longest form

    def add(self, value: str) -> None:
        """Mask a value from now on; one that is shorter than six characters is left alone."""
        with self._lock:
            if value in self._values:
                return
            self._values.add(value)
            self._forms.update(form for form in _forms(value) if len(form) >= MINIMUM)
            self.longest = max(map(len, self._forms), default=0)
            self._pattern = None

    def add_environment(self, environ: Mapping[str, object]) -> None:
        """Mask the values whose names sound secret, and passwords inside URLs."""
        for name, value in environ.items():
            if not isinstance(value, str):
                continue
            if is_sensitive(name):
                self.add(value)
            for password in _PASSWORD_IN_URL.findall(value):
                self.add(unquote(password))

    def mask(self, text: str) -> str:
        """Return the text with ``***`` in the place of every secret."""
        pattern = self._pattern or self._compiled()
        return pattern.sub(MASK, text) if pattern else text

    def _compiled(self) -> re.Pattern[str] | None:
        with self._lock:
            if self._pattern is None and self._forms:
                self._pattern = re.compile(_any_of(self._forms))
            return self._pattern

    def __repr__(self) -> str:
        return f"<Masker of {len(self._values)} values>"


_masker = Masker()
_masker_reads_environment = threading.Event()


def masker() -> Masker:
    """Return the masker of this process; it knows the secrets of the environment from the start."""
    if not _masker_reads_environment.is_set():
        _masker.add_environment(dict(os.environ))
        _masker_reads_environment.set()
    return _masker


def _any_of(forms: Iterable[str]) -> str:
    """Return a pattern of all forms, longest first, common beginnings shared.

    A line of a log is then looked at once, not once for each form.
    """
    listed = sorted(forms)
    shared = os.path.commonprefix(listed)  # noqa: RUF071 - of characters, as its name does not tell
    tails = [form[len(shared) :] for form in listed if form != shared]
    branches = [_any_of(group) for _, group in groupby(tails, key=lambda tail: tail[0])]
    body = f"(?:{'|'.join(branches)})" if branches else ""
    return re.escape(shared) + (body + "?" if body and shared in listed else body)


def _forms(value: str) -> Iterator[str]:
    for plain in _plain_forms(value):
        yield plain
        for quoted in (quote(plain, safe=""), quote(plain), quote_plus(plain)):
            yield from (quoted, re.sub("%..", lambda hit: hit[0].lower(), quoted))
        yield from (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
        yield from (repr(plain)[1:-1], html.escape(plain))
        yield from (shlex.quote(plain), plain.replace("'", "'\\''"))
        yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", plain)  # as bash's `printf %q` and `set -x`
        yield from _base64_forms(plain.encode("utf-8", "surrogateescape"))


def _plain_forms(value: str) -> set[str]:
    """Return the value, without blank ends, and its longer lines: logs come line by line."""
    lines = [line.strip() for line in value.splitlines()]
    long = {line for line in lines if len(line) >= _LINE_OF_SECRET and not line.startswith("-----")}
    forms = {value, value.strip(), *(long if len(lines) > 1 else ())}
    return {form for form in forms if len(form) >= MINIMUM}


def _base64_forms(value: bytes) -> Iterator[str]:
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode()
        first = (0, 2, 3)[before]  # characters that also depend on what stands before
        rest = (before + len(value)) % 3
        last = len(encoded) - (4 if rest else 0) + (0, 1, 2)[rest]
        stable = encoded[first:last]
        if len(stable) >= _BASE64_PART:
            yield stable
            yield stable.translate(str.maketrans("+/", "-_"))

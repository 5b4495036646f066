"""How a database is logged in to: settings that hold secrets only while a connection is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import yaml

from orchestrator.secrets import resolve
from tasks.dbt.profiles import Profile, load_profile


class Login(Protocol):
    """Where the settings of a connection are found; it can be sent to a worker."""

    def values(self) -> dict[str, Any]:
        """Return them as the driver takes them, secrets in their places."""
        ...


@dataclass(frozen=True)
class TableLogin:
    """Settings of a ``[warehouses.NAME]`` table.

    Args:
        table: As it stands in the file, references to secrets unresolved.

    Example:
        >>> TableLogin({"host": "db", "password": "secret:PG"})
        TableLogin()
    """

    table: Mapping[str, Any] = field(repr=False, hash=False)

    def values(self) -> dict[str, Any]:
        """Return the table with its references resolved.

        Raises:
            ConfigurationError: A secret is not set.
        """
        return dict(resolve(self.table))


@dataclass(frozen=True)
class ProfileLogin:
    """Settings of a target of dbt's ``profiles.yml``, read again for each new connection.

    Args:
        project_dir: Folder of the dbt project.
        profiles_dir: Folder of ``profiles.yml``.
        profile: The profile's name.
        target: The target within it.
        variables: What ``var()`` gives there, as ``--vars`` has it.
    """

    project_dir: str
    profiles_dir: str
    profile: str
    target: str
    variables: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, profile: Profile, variables: str | None = None) -> Self:
        """Name where a profile was read; its values, which may be secrets, are left out."""
        folder = os.path.dirname(profile.path)
        return cls(profile.project_dir, folder, profile.name, profile.target, variables)

    def values(self) -> dict[str, Any]:
        """Read the target's settings.

        Raises:
            DbtProfileError: The file, the profile, the target or a variable is not there any more.
        """
        read = load_profile(
            self.project_dir,
            profiles_dir=self.profiles_dir,
            profile=self.profile,
            target=self.target,
            variables=yaml.safe_load(self.variables) if self.variables else None,
        )
        return dict(resolve(read.values))


def digest(values: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same settings and tells nothing of them.

    Example:
        >>> digest({"host": "db"}) == digest({"host": "db"}), len(digest({}))
        (True, 64)
    """
    text = repr(sorted((key, repr(value)) for key, value in values.items()))
    return hashlib.sha256(text.encode()).hexdigest()

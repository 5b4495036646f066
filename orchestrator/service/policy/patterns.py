"""Whether a name, a file or a table fits a pattern of the policy; case does not count in names."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from orchestrator.lineage.derivation.written import glob_pattern
from orchestrator.model.dataset import Dataset, DatasetKind


def fitting(name: str | None, patterns: Iterable[str]) -> str | None:
    """The first pattern that a name fits; None if there is none.

    Example:
        >>> fitting("MARKETING_RAW", ["core", "marketing_*"])
        'marketing_*'
    """
    if not name:
        return None
    return next((p for p in patterns if fnmatchcase(name.casefold(), p.casefold())), None)


def fitting_path(path: str | None, patterns: Iterable[str]) -> str | None:
    """The first pattern that a file fits: ``*`` stays in a folder, ``**`` crosses folders.

    Example:
        >>> fitting_path("models/marketing/eu/leads.sql", ["sql/**", "models/marketing/**"])
        'models/marketing/**'
    """
    if not path:
        return None
    return next((p for p in patterns if glob_pattern(p).fullmatch(path)), None)


def fitting_schema(dataset: Dataset, patterns: Iterable[str]) -> str | None:
    """The first pattern that a table's schema fits, given as ``schema`` or ``database.schema``.

    Example:
        >>> fitting_schema(Dataset("prod", "core", "orders"), ["marts", "prod.*"])
        'prod.*'
    """
    full = f"{dataset.catalog}.{dataset.schema}" if dataset.catalog else None
    for pattern in patterns if dataset.schema else ():
        if fitting(full if "." in pattern else dataset.schema, [pattern]):
            return pattern
    return None


def fitting_subject(subject: str, patterns: Iterable[str]) -> str | None:
    """The first pattern that a file, a table, a task or a flow fits."""
    return fitting_path(subject, patterns := list(patterns)) or fitting(subject, patterns)


def is_table(dataset: Dataset) -> bool:
    """Whether it lies in a schema, as files and stages do not."""
    return dataset.kind is DatasetKind.TABLE

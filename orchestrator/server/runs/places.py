"""Where in a project a task stands: its folder and its layer, by which large graphs are folded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

_LAYERS = {
    "seed": "seeds", "snapshot": "snapshots", "test": "tests", "unit_test": "tests",
}  # fmt: skip


def folder_of(path: str | None) -> str | None:
    """The folder of a file, relative to the project; None for one that lies in no folder.

    Example:
        >>> folder_of("models/staging/stg_orders.sql"), folder_of("nightly.py"), folder_of(None)
        ('models/staging', None, None)
    """
    return _written(path.replace("\\", "/").rpartition("/")[0]) if path else None


@lru_cache(maxsize=1000)  # many files lie in few folders
def _written(folder: str) -> str | None:
    text = str(PurePosixPath(folder))
    return None if text == "." else text


def layer_of(resource_type: str, path: str | None) -> str:
    """The layer of a task: dbt's folder of models, the folder of a SQL file, or what kind it is.

    Example:
        >>> layer_of("model", "models/staging/shop/stg_orders.sql"), layer_of("seed", "seeds/a.csv")
        ('staging', 'seeds')
        >>> layer_of("sql", "sql/marts/a.sql"), layer_of("python", "flows/nightly.py")
        ('sql/marts', 'python')
    """
    folder = folder_of(path)
    if resource_type == "model":
        inner = (folder or "").split("/")[1:]
        return inner[0] if inner else "models"
    if resource_type == "sql" and folder is not None:
        return folder
    return _LAYERS.get(resource_type, resource_type)

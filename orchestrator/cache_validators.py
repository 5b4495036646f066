"""What an earlier result must share to stand in, by the names Prefect 1 gave: ``cache_validator=``."""

from __future__ import annotations

#: Words of :class:`orchestrator.Cache`; ``never_use`` switches it off.
duration_only: tuple[str, ...] = ()
all_inputs: tuple[str, ...] = ("inputs",)
all_parameters: tuple[str, ...] = ("parameters",)
never_use: tuple[str, ...] = ("never_use",)

__all__ = ["all_inputs", "all_parameters", "duration_only", "never_use"]

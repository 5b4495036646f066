"""What a task may raise to say how it ended: ``signals.SKIP("nothing new")``."""

from __future__ import annotations

from orchestrator.model.signals import FAIL, PAUSE, RETRY, SKIP

__all__ = ["FAIL", "PAUSE", "RETRY", "SKIP"]

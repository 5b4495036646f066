"""Places of results by the names Prefect 1 gave them: ``result=LocalResult(dir="results")``."""

from __future__ import annotations

from orchestrator.model.places import GCSResult, LocalResult, S3Result

__all__ = ["GCSResult", "LocalResult", "S3Result"]

"""What may become of a request: nobody answered well this time, or the answer is no for good."""

from __future__ import annotations

from orchestrator.errors import InfrastructureError, OrchestratorError


class HttpUnavailableError(InfrastructureError):
    """Raised when a request may succeed later: nobody there, 408, 425, 429 or 5xx.

    Args:
        what: What happened, the URL without its secrets.
        status_code: Of the answer, if there was one; ``retry_on="503"`` matches it.
        retry_after: Seconds that the server asked to wait.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        status_code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status_code = status_code
        self.retry_after = retry_after


class HttpRefusedError(OrchestratorError):
    """Raised when asking again does not help: another 4xx, a certificate, endless redirects, a body
    that cannot be read.

    Args:
        what: What happened, the URL without its secrets.
        status_code: Of the answer, if there was one; ``retry_on="404"`` matches it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        status_code: int | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status_code = status_code

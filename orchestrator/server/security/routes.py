"""Routes about oneself: who am I, log in, log out."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Depends, Request, Response

from orchestrator import instants
from orchestrator.secrets import masker
from orchestrator.server.needs import ProjectOf, StoreOf, WhoOf, viewing
from orchestrator.server.security.knowing import COOKIE, Knowing, session_of
from orchestrator.server.security.models import Login, Me
from orchestrator.server.security.secrets import hash_of_session, hash_of_token, new_secret

router = APIRouter(tags=["me"])
_SESSION = timedelta(hours=12)


@router.get("/me", operation_id="get_me", summary="Who am I?", dependencies=[Depends(viewing)])
def me(who: WhoOf, project: ProjectOf, store: StoreOf) -> Me:
    """Say who asks, what they may do, and which project is served."""
    return Me(
        by=who.name, role=who.role, project=project.name, version=_version(),
        tokens=bool(store.tokens()),
    )  # fmt: skip


@router.post("/login", operation_id="login", summary="Begin a session", status_code=204)
def login(given: Login, request: Request, store: StoreOf) -> Response:
    """Take a token and set the cookie of a session that lasts 12 hours, or as long as the token."""
    masker().add(given.token)
    knowing: Knowing = request.app.state.knowing
    hashed = hash_of_token(given.token.strip())
    knowing.holder(hashed)
    token = store.token(hashed)
    assert token is not None
    secret, ends = new_secret(), instants.now() + _SESSION
    if token.expires is not None:
        ends = min(ends, token.expires)
    store.open_session(token.id, hash_of_session(secret), ends)
    answer = Response(status_code=204)
    answer.set_cookie(
        COOKIE, secret, max_age=int((ends - instants.now()).total_seconds()), path="/",
        httponly=True, samesite="strict", secure=_is_encrypted(request),
    )  # fmt: skip
    return answer


@router.post(
    "/logout", operation_id="logout", summary="End the session", status_code=204,
    dependencies=[Depends(viewing)],
)  # fmt: skip
def logout(request: Request, store: StoreOf) -> Response:
    """End the session of this browser; its cookie is no good from now, wherever it was copied to."""
    secret = session_of(request.headers)
    if secret is not None:
        store.close_session(hash_of_session(secret))
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _is_encrypted(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))


def _version() -> str:
    try:
        return version("analytics-orchestrator")
    except PackageNotFoundError:
        return ""

"""What the routes about oneself take and answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.store.access import Role


class Me(BaseModel):
    """Who asks, and what they look at."""

    by: str = Field(description="Name of the token; `local` while there is none", examples=["ada"])
    role: Role = Field(description="What they may do", examples=["run"])
    project: str = Field(description="The project that is served", examples=["shop"])
    version: str = Field(description="Version of the program", examples=["0.1.0"])
    tokens: bool = Field(description="Whether there are tokens, so that one is needed")


class Login(BaseModel):
    """What is shown to be let in."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(
        min_length=1, max_length=500, description="The secret that `tokens create` printed",
        examples=["orc_…"],
    )  # fmt: skip

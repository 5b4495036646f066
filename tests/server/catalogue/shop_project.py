"""A shop: dbt, SQL files and Python tasks over one DuckDB file, and a module that is broken."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from orchestrator.service.catalogue.keeper import Keeper

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

FILES: Mapping[str, str] = {
    "orchestrator.toml": """
        name = "shop"
        [warehouses.shop]
        type = "dbt"
        """,
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        models: {shop: {staging: {+materialized: view}, marts: {+materialized: table}}}
        """,
    "profiles.yml": """
        shop:
          target: dev
          outputs:
            dev: {type: duckdb, path: shop.duckdb, schema: main, threads: 2}
        """,
    "seeds/countries.csv": "code,name\nNL,Netherlands\nBE,Belgium\n",
    "models/sources.yml": """
        sources:
          - name: raw
            loaded_at_field: loaded
            tables:
              - name: orders
                description: Orders as they come in.
                config:
                  freshness: {warn_after: {count: 1, period: day}}
              - name: payments
        """,
    "models/staging/stg_orders.sql": """
        select
            id,
            amount / 100 as euros,
            orders.country as country
        from {{ source('raw', 'orders') }}
        """,
    "models/marts/marts.yml": """
        models:
          - name: revenue
            description: Revenue by country.
            columns:
              - {name: country, data_type: varchar, description: Two letters., data_tests: [not_null]}
              - {name: euros, data_tests: [not_null, {accepted_values: {arguments: {values: [1]}}}]}
        """,
    "models/marts/revenue.sql": """
        select
            country,
            sum(euros) as euros
        from {{ ref('stg_orders') }}
        group by country
        """,
    "sql/ranking.sql": """
        create or replace table main.ranking as
        select
            country,
            rank() over (order by euros desc) as place
        from main.revenue;
        """,
    "flows/nightly.py": '''
        """Everything that the shop needs in the morning.

        And more.
        """
        from datetime import date
        from orchestrator import CronSchedule, Flow, Parameter, task
        from tasks import DbtBuild, SqlFolder

        @task(warehouse="shop", writes={"raw.orders": ["id", "amount", "country"]}, tags=["load"])
        def load(day, warehouse):
            warehouse.execute("create schema if not exists raw")
            warehouse.execute(
                "create or replace table raw.orders as select 1 id, 250 amount, 'NL' country"
            )

        @task(warehouse="shop", reads=["main.ranking"], writes=["reports/ranking.csv"])
        def report(warehouse):
            return 1

        with Flow("nightly", schedule=CronSchedule("30 2 * * *", timezone="Europe/Berlin")) as flow:
            load(Parameter("day", type=date))
            DbtBuild(project_dir=".")()
            SqlFolder("sql")()
            report()
        ''',
    "flows/broken.py": "import nothing_of_that_name\n",
}


def write_shop(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write the shop's files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())
    return folder


def run_command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own: dbt keeps state in the one it ran in."""
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *words],
        cwd=folder, env={**os.environ}, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


class Asking:
    """Asks an application, and holds each answer to the model that its document promises."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True)
        self._models: dict[str, Any] = {}

    def get(self, path: str, model: type[BaseModel] | None = None, **query: Any) -> Any:
        """The answer to a request that is to succeed."""
        answer = self.client.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return self._held(answer.json(), model)

    def send(
        self, method: str, path: str, body: Any, model: type[BaseModel] | None = None,
        status: int = 200,
    ) -> Any:  # fmt: skip
        """The answer to a request that changes something."""
        answer = self.client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return self._held(answer.json(), model)

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Status and error of a request that is to be refused."""
        answer = self.client.request(method, f"/api/v1{path}", json=body, params=query)
        assert 400 <= answer.status_code < 500, answer.text
        return answer.status_code, answer.json()["error"]

    def keeper(self) -> Keeper:
        """What has the survey of the project, once it is complete."""
        self.get("/flows")
        keeper: Keeper = self.app.state.keeper
        until = time.monotonic() + 120
        while keeper.busy and time.monotonic() < until:
            time.sleep(0.05)
        assert not keeper.busy, keeper.problem
        return keeper

    def _held(self, found: Any, model: type[BaseModel] | None) -> Any:
        if model is not None:
            model.model_validate(found, extra="forbid")
        return found

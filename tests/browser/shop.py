"""A small project to look at in a browser: it works, fails, lasts, and has awkward names."""

from __future__ import annotations

import textwrap
from pathlib import Path

#: What stands in the project, by file.
FILES = {
    "orchestrator.toml": """
        name = "shop"

        [warehouses.main]
        type = "duckdb"
        path = "shop.duckdb"
    """,
    "sql/staging/orders.sql": """
        -- orchestrator: materialized=table, table=staging.orders, description="Orders, one row each"
        select id, customer, amount * 100 as cents
        from raw.orders
    """,
    "sql/marts/revenue.sql": """
        -- orchestrator: materialized=table, table=marts.revenue, owner=finance
        select customer, sum(cents) as total_cents, count(*) as orders
        from staging.orders
        group by customer
    """,
    "sql/marts/positive.sql": """
        -- orchestrator: check=no_rows
        select * from marts.revenue where total_cents < 0
    """,
    "broken/first.sql": """
        create or replace table broken_first as
        select 1 as id;
        create or replace table broken_second as
        select id,
               nope
        from broken_first;
    """,
    "flows/nightly.py": """
        from orchestrator import CronClock, Flow, Schedule, task
        from tasks import SqlFolder

        @task(warehouse="main", writes={"raw.orders": ["id", "customer", "amount"]})
        def load_orders(warehouse):
            warehouse.execute("create schema if not exists raw")
            warehouse.execute(
                "create or replace table raw.orders as "
                "select i as id, 'customer ' || i % 7 as customer, i * 1.5 as amount from range(100) t(i)"
            )

        CLOCK = CronClock("30 1 * * *", timezone="America/New_York")
        with Flow("nightly", schedule=Schedule(clocks=[CLOCK])) as flow:
            load_orders()
            SqlFolder("sql")()
    """,
    "flows/broken.py": """
        from orchestrator import Flow
        from tasks import SqlTask

        with Flow("broken") as flow:
            SqlTask(path="broken/first.sql")()
    """,
    "flows/mended.py": '''
        """Fails until a file is there, so that a retry has something to show."""
        from pathlib import Path
        from orchestrator import Flow, task

        HERE = Path(__file__).resolve().parent.parent

        @task
        def fetch():
            print("fetched")
            return 1

        @task
        def publish(x):
            if not (HERE / "mended").exists():
                raise ValueError("the shelf is not there")
            return x

        with Flow("mended") as flow:
            publish(fetch())
    ''',
    "flows/slow.py": """
        import time
        from orchestrator import Flow, Parameter, task

        @task
        def count(lines):
            for n in range(lines):
                print(f"\\x1b[32mline\\x1b[0m {n}", flush=True)
                time.sleep(0.2)

        @task
        def after(x):
            return x

        with Flow("slow") as flow:
            after(count(Parameter("lines", type=int, default=15)))
    """,
    "flows/careful.py": """
        from pathlib import Path
        from orchestrator import Flow, task
        from orchestrator.signals import PAUSE
        from orchestrator.triggers import manual_only

        LOOKED = Path(__file__).resolve().parent.parent / "looked"

        @task
        def check():
            if not LOOKED.exists():
                LOOKED.touch()
                raise PAUSE("look at the numbers")
            return 3

        @task(trigger=manual_only)
        def publish(x):
            return x

        with Flow("careful") as flow:
            publish(check())
    """,
    "flows/odd.py": """
        from orchestrator import Flow, Parameter, task

        @task(log_stdout=True, name="<script>alert(1)</script>", tags={"<img src=x onerror=alert(2)>"})
        def odd(x):
            print("<script>alert(3)</script> <b>bold</b>")
            raise ValueError("<script>alert(4)</script>")

        with Flow("odd <script>alert(5)</script>") as flow:
            odd(Parameter("x", default="<script>alert(6)</script>"))
    """,
    "flows/report.py": """
        import datetime
        from orchestrator import Flow, Parameter, task

        @task
        def write(**given):
            print(given)

        with Flow("report") as flow:
            write(
                customer=Parameter("customer", type=str, description="Whose report it is."),
                day=Parameter("day", type=datetime.date, default=datetime.date(2026, 11, 1)),
                copies=Parameter("copies", type=int, default=2),
                share=Parameter("share", type=float, default=0.5),
                dry=Parameter("dry", type=bool, default=False),
                only=Parameter("only", type=list, default=["a"]),
            )
    """,
}


def write_shop(folder: Path) -> Path:
    """Write the project into a folder, and return it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder

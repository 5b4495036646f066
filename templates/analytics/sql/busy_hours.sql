-- orchestrator: materialized=table, table=ops.busy_hours
-- orchestrator: owner=analytics, description="How many orders each hour of the day brings"
-- dbt's staging model comes before this file, and the mart daily_sales after it: both are seen
-- from the names of the tables, and `orchestrator why busy_hours` shows where.
select
    extract(hour from ordered_at) as hour_of_day,
    count(*) as orders,
    count(*) >= 1.5 * avg(count(*)) over () as is_busy
from staging.stg_orders
group by 1

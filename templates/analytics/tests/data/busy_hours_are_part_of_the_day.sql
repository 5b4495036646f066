-- A data test of dbt's: it fails if it returns rows.
select order_date, revenue, revenue_in_busy_hours
from {{ ref('daily_sales') }}
where revenue_in_busy_hours > revenue or revenue_in_busy_hours < 0

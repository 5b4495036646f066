-- orchestrator: materialized=table, table=ops.airport_hours
-- How full each airport is in each hour. Stands between two dbt models: it reads int_flights,
-- and int_flight_conditions reads it.
--
-- "Full" is the 95th percentile of the airport's own hours with any departure: its real limit
-- is a matter of runways and slots, which the data does not tell.
with hours as (
    select
        origin,
        scheduled_hour_utc,
        count(*) as scheduled_departures,
        count(case when cancelled then 1 end) as cancelled_departures,
        avg(departure_delay) as mean_departure_delay
    from intermediate.int_flights
    group by origin, scheduled_hour_utc
),

busy as (
    select origin, percentile_cont(0.95) within group (order by scheduled_departures) as departures
    from hours
    group by origin
)

select
    hours.*,
    hours.scheduled_departures / busy.departures as load_factor
from hours
inner join busy on hours.origin = busy.origin

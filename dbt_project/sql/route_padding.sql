-- orchestrator: materialized=table, table=ops.route_padding
-- How much slack each route's timetable holds. A route that wins back ten minutes on a median
-- flight is timed ten minutes too long; one whose times in the air differ by half an hour needs
-- it. Reads int_flights (dbt), is read by route_performance (dbt).
select
    origin,
    destination,
    count(*) as arrivals,
    percentile_cont(0.5) within group (order by made_up_minutes) as usual_made_up_minutes,
    percentile_cont(0.5) within group (order by air_minutes) as usual_air_minutes,
    percentile_cont(0.9) within group (order by air_minutes) - percentile_cont(0.1) within group (order by air_minutes) as air_minutes_spread
from intermediate.int_flights
where arrival_delay is not null
group by origin, destination

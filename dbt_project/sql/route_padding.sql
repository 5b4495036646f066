-- How much slack each route's timetable holds. A route that wins back ten minutes on a median
-- flight is timed ten minutes too long; one whose times in the air differ by half an hour needs
-- it. Reads int_flights (dbt), is read by route_performance (dbt).
create schema if not exists ops;

create or replace table ops.route_padding as
select
    origin,
    destination,
    count(*) as arrivals,
    median(made_up_minutes) as usual_made_up_minutes,
    median(air_minutes) as usual_air_minutes,
    quantile_cont(air_minutes, 0.9) - quantile_cont(air_minutes, 0.1) as air_minutes_spread
from intermediate.int_flights
where arrival_delay is not null
group by origin, destination;

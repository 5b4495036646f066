-- How delay builds up through the day: airport, carrier and scheduled hour.
select
    origin,
    carrier,
    scheduled_hour,
    count(*) as departures,
    sum(departure_delay) as total_departure_delay,
    avg(departure_delay) as mean_departure_delay,
    {{ quantile('departure_delay', 0.5) }} as median_departure_delay,
    {{ quantile('departure_delay', 0.9) }} as p90_departure_delay,
    {{ count_if('departed_late') }} as late_departures
from {{ ref('int_departures') }}
group by origin, carrier, scheduled_hour

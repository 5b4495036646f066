-- Consecutive departures of one aircraft from one airport within a day: out, back, out again.
-- The return leg is not in the data, so the time on the ground (at both ends together) is the
-- time between two scheduled departures less twice the time in the air of the outward leg.
with legs as (
    select
        flight_id,
        flight_date,
        carrier,
        tail_number,
        origin,
        destination,
        scheduled_departure,
        departure_delay,
        departed_late,
        arrival_delay,
        air_minutes,
        row_number() over (
            partition by tail_number, origin, flight_date order by scheduled_departure, flight_id
        ) as leg_of_day,
        lag(flight_id) over (
            partition by tail_number, origin, flight_date order by scheduled_departure, flight_id
        ) as previous_flight_id,
        lag(destination) over (
            partition by tail_number, origin, flight_date order by scheduled_departure, flight_id
        ) as previous_destination,
        lag(arrival_delay) over (
            partition by tail_number, origin, flight_date order by scheduled_departure, flight_id
        ) as previous_arrival_delay,
        lag(air_minutes) over (
            partition by tail_number, origin, flight_date order by scheduled_departure, flight_id
        ) as previous_air_minutes,
        lag(scheduled_departure) over (
            partition by tail_number, origin, flight_date order by scheduled_departure, flight_id
        ) as previous_departure
    from {{ ref('int_departures') }}
    where tail_number is not null
)

select
    *,
    {{ dbt.datediff('previous_departure', 'scheduled_departure', 'minute') }} - 2 * previous_air_minutes
        as scheduled_ground_minutes
from legs
where previous_flight_id is not null

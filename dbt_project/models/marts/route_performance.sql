-- Routes: how punctual, how steady, and how much slack the timetable holds.
with routes as (
    select
        origin,
        destination,
        count(*) as scheduled_flights,
        count(distinct carrier) as carriers,
        {{ share('arrived_on_time') }} as on_time_share,
        {{ share('cancelled') }} as cancelled_share,
        avg(departure_delay) as mean_departure_delay,
        avg(arrival_delay) as mean_arrival_delay,
        {{ quantile('distance_miles', 0.5) }} as distance_miles
    from {{ ref('int_flights') }}
    group by origin, destination
)

select
    routes.*,
    airports.airport_name as destination_name,
    padding.usual_made_up_minutes,
    padding.usual_air_minutes,
    padding.air_minutes_spread
from routes
left join {{ ref('stg_airports') }} as airports on routes.destination = airports.faa
left join {{ source('ops', 'route_padding') }} as padding
    on routes.origin = padding.origin and routes.destination = padding.destination

-- What each flight met at its scheduled hour: weather, load of the airport, a storm or not.
-- Weather is missing for some hours; those flights stay, with unknown weather.
with flights as (
    select * from {{ ref('int_flights') }}
)

select
    flights.flight_id,
    flights.flight_date,
    flights.carrier,
    flights.origin,
    flights.scheduled_hour,
    flights.departed,
    flights.departure_delay,
    flights.departed_late,
    flights.cancelled,
    weather.temperature_f,
    weather.wind_mph,
    weather.gust_mph,
    weather.rain_inches,
    weather.visibility_miles,
    weather.pressure_mbar,
    hours.load_factor,
    spells.spell_id as storm_id,
    spells.spell_id is not null as in_storm
from flights
left join {{ ref('stg_weather') }} as weather
    on flights.origin = weather.origin
    and flights.scheduled_hour_utc = weather.observed_hour_utc
left join {{ source('ops', 'airport_hours') }} as hours
    on flights.origin = hours.origin
    and flights.scheduled_hour_utc = hours.scheduled_hour_utc
left join {{ source('ops', 'storm_spells') }} as spells
    on flights.origin = spells.origin
    and flights.scheduled_hour_utc between spells.first_hour_utc and spells.last_hour_utc

-- One row for each scheduled flight, typed and named. Times are the local time of New York;
-- the UTC hour is kept to join the weather, because local hours repeat when clocks go back.
select
    carrier || flight || '-' || origin || '-' || {{ date_of('year', 'month', 'day') }} as flight_id,
    {{ date_of('year', 'month', 'day') }} as flight_date,
    {{ date_of('year', 'month', 1) }} as flight_month,
    {{ timestamp_of('year', 'month', 'day', 'hour', 'minute') }} as scheduled_departure,
    cast(time_hour as timestamp) as scheduled_hour_utc,
    hour as scheduled_hour,
    carrier,
    flight as flight_number,
    nullif(tailnum, '') as tail_number,
    origin,
    dest as destination,
    dep_delay as departure_delay,
    arr_delay as arrival_delay,
    air_time as air_minutes,
    distance as distance_miles,
    dep_time is not null as departed,
    loaded_at
from {{ source('raw', 'flights') }}

-- One row for each airport and hour. One observation reports a wind of 1,048 mph; whatever is
-- above the record of the region (about 100 mph) is an instrument's fault and becomes unknown.
select
    origin,
    cast(time_hour as timestamp) as observed_hour_utc,
    {{ timestamp_of('year', 'month', 'day', 'hour', 0) }} as observed_hour,
    temp as temperature_f,
    humid as humidity_percent,
    case when wind_speed <= 100 then wind_speed end as wind_mph,
    case when wind_gust <= 120 then wind_gust end as gust_mph,
    precip as rain_inches,
    pressure as pressure_mbar,
    visib as visibility_miles
from {{ source('raw', 'weather') }}

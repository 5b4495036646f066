-- Delay by how bad one thing about the weather is. One thing at a time, so it shows how much
-- belongs together with a fog, not how much is the fog's; `weather_effect` separates them.
with bands as (
    select 'visibility' as factor, 1 as band_order, '10' as band, 'clear air' as weather,
        10.0 as from_value, 1000.0 as below_value
    union all select 'visibility', 2, '5-10', 'visibility of 5 to 10 miles', 5.0, 10.0
    union all select 'visibility', 3, '1-5', 'visibility of 1 to 5 miles', 1.0, 5.0
    union all select 'visibility', 4, 'to 1', 'visibility under 1 mile', 0.0, 1.0
    union all select 'wind', 1, 'to 10', 'wind under 10 mph', 0.0, 10.0
    union all select 'wind', 2, '10-20', 'wind of 10 to 20 mph', 10.0, 20.0
    union all select 'wind', 3, '20-30', 'wind of 20 to 30 mph', 20.0, 30.0
    union all select 'wind', 4, '30 on', 'wind of 30 mph and more', 30.0, 1000.0
    -- The gauge reads hundredths of an inch: below the first of them it was dry.
    union all select 'rain', 1, 'dry', 'dry weather', 0.0, 0.005
    union all select 'rain', 2, 'light', 'light rain', 0.005, 0.05
    union all select 'rain', 3, 'steady', 'steady rain', 0.05, 0.2
    union all select 'rain', 4, 'heavy', 'heavy rain', 0.2, 1000.0
),

banded as (
    select
        bands.factor,
        bands.band_order,
        bands.band,
        bands.weather,
        conditions.departure_delay,
        conditions.departed_late,
        conditions.cancelled
    from {{ ref('int_flight_conditions') }} as conditions
    inner join bands
        on case bands.factor
            when 'visibility' then conditions.visibility_miles
            when 'wind' then conditions.wind_mph
            else conditions.rain_inches
        end >= bands.from_value
        and case bands.factor
            when 'visibility' then conditions.visibility_miles
            when 'wind' then conditions.wind_mph
            else conditions.rain_inches
        end < bands.below_value
)

select
    factor,
    band_order,
    band,
    weather,
    count(*) as scheduled_flights,
    avg(departure_delay) as mean_departure_delay,
    {{ share('departed_late') }} as late_share,
    {{ share('cancelled') }} as cancelled_share
from banded
group by factor, band_order, band, weather

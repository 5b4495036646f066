-- Delay by how bad one thing about the weather is. One thing at a time, so it shows how much
-- belongs together with a fog, not how much is the fog's; `weather_effect` separates them.
with banded as (
    select
        conditions.*,
        bands.factor,
        bands.band_order,
        bands.band,
        bands.weather
    from {{ ref('int_flight_conditions') }} as conditions
    cross join lateral (
        select 'visibility' as factor, 1 as band_order, '10' as band, 'clear air' as weather
        where visibility_miles >= 10
        union all select 'visibility', 2, '5-10', 'visibility of 5 to 10 miles'
        where visibility_miles >= 5 and visibility_miles < 10
        union all select 'visibility', 3, '1-5', 'visibility of 1 to 5 miles'
        where visibility_miles >= 1 and visibility_miles < 5
        union all select 'visibility', 4, 'to 1', 'visibility under 1 mile'
        where visibility_miles < 1
        union all select 'wind', 1, 'to 10', 'wind under 10 mph' where wind_mph < 10
        union all select 'wind', 2, '10-20', 'wind of 10 to 20 mph'
        where wind_mph >= 10 and wind_mph < 20
        union all select 'wind', 3, '20-30', 'wind of 20 to 30 mph'
        where wind_mph >= 20 and wind_mph < 30
        union all select 'wind', 4, '30 on', 'wind of 30 mph and more' where wind_mph >= 30
        union all select 'rain', 1, 'dry', 'dry weather' where rain_inches = 0
        union all select 'rain', 2, 'light', 'light rain'
        where rain_inches > 0 and rain_inches < 0.05
        union all select 'rain', 3, 'steady', 'steady rain'
        where rain_inches >= 0.05 and rain_inches < 0.2
        union all select 'rain', 4, 'heavy', 'heavy rain' where rain_inches >= 0.2
    ) as bands
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

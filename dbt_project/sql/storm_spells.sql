-- orchestrator: materialized=table, table=ops.storm_spells
-- Spells of rough weather: consecutive rough hours at an airport, made one spell where no more
-- than two calm hours lie between, because the airport does not recover in less.
-- The thresholds of "rough" are here and nowhere else.
with rough_hours as (
    select
        origin,
        observed_hour,
        observed_hour_utc,
        wind_mph,
        gust_mph,
        rain_inches,
        visibility_miles,
        lag(observed_hour_utc) over (partition by origin order by observed_hour_utc) as hour_before
    from staging.stg_weather
    where
        visibility_miles < 3
        or rain_inches >= 0.05
        or wind_mph >= 25
        or gust_mph >= 35
),

-- Gaps and islands: a spell starts where the hour before it is more than three hours ago, and
-- the running count of starts numbers the spells.
numbered_hours as (
    select
        *,
        sum(case when hour_before >= observed_hour_utc - interval '3 hours' then 0 else 1 end)
            over (partition by origin order by observed_hour_utc) as spell_number
    from rough_hours
)

select
    -- As "JFK 2013-01-31T05".
    origin || ' ' || replace(substring(cast(min(observed_hour_utc) as varchar), 1, 13), ' ', 'T')
        as spell_id,
    origin,
    min(observed_hour_utc) as first_hour_utc,
    max(observed_hour_utc) as last_hour_utc,
    min(observed_hour) as first_hour,
    max(observed_hour) as last_hour,
    count(*) as rough_hours,
    max(wind_mph) as peak_wind_mph,
    max(gust_mph) as peak_gust_mph,
    sum(rain_inches) as rain_inches,
    min(visibility_miles) as least_visibility_miles
from numbered_hours
group by origin, spell_number

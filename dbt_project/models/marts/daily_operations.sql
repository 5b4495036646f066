-- One row for each airport and day: what was planned, what happened, what the day was like.
with days as (
    select
        flight_date,
        origin,
        count(*) as scheduled_flights,
        {{ count_if('departed') }} as departed_flights,
        {{ count_if('cancelled') }} as cancelled_flights,
        {{ share('cancelled') }} as cancelled_share,
        {{ share('arrived_on_time') }} as on_time_share,
        avg(departure_delay) as mean_departure_delay,
        {{ quantile('departure_delay', 0.9) }} as p90_departure_delay
    from {{ ref('int_flights') }}
    group by flight_date, origin
),

storms as (
    select
        days.flight_date,
        days.origin,
        -- Spells run over midnight: only the hours that lie in the day count.
        sum(
            {{ dbt.datediff(
                "greatest(spells.first_hour, cast(days.flight_date as timestamp))",
                "least(spells.last_hour, cast(days.flight_date as timestamp) + interval '23 hours')",
                'hour',
            ) }} + 1
        ) as storm_hours
    from days
    inner join {{ source('ops', 'storm_spells') }} as spells
        on days.origin = spells.origin
        and days.flight_date between cast(spells.first_hour as date) and cast(spells.last_hour as date)
    group by days.flight_date, days.origin
)

select
    days.*,
    coalesce(storms.storm_hours, 0) as storm_hours,
    calendar.holiday,
    calendar.travel_peak
from days
left join storms on days.flight_date = storms.flight_date and days.origin = storms.origin
left join {{ source('ops', 'calendar') }} as calendar on days.flight_date = calendar.calendar_date

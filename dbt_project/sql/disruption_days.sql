-- orchestrator: materialized=table, table=ops.disruption_days
-- The worst days of each airport, and what they have in common. Reads a mart; the report reads it.
--
-- Worst is by minutes: a cancelled flight counts as three hours, about what a passenger loses who
-- takes the next one.
with scored as (
    select
        *,
        mean_departure_delay * departed_flights + 180 * cancelled_flights as lost_minutes
    from marts.daily_operations
),

ranked as (
    select
        *,
        lost_minutes / scheduled_flights as lost_minutes_a_flight,
        row_number() over (
            partition by origin order by lost_minutes / scheduled_flights desc, flight_date
        ) as worst_rank
    from scored
)

select
    origin,
    worst_rank,
    flight_date,
    scheduled_flights,
    cancelled_flights,
    on_time_share,
    mean_departure_delay,
    lost_minutes_a_flight,
    storm_hours,
    holiday,
    case
        when storm_hours >= 2 then 'storm at the airport'
        when holiday is not null or travel_peak then 'holiday travel'
        else 'not explained by local weather'
    end as likely_cause
from ranked
where worst_rank <= 10
order by origin, worst_rank

-- The on-time league: carriers ranked each month by the share of scheduled flights that arrived
-- less than 15 minutes late. Cancelled and diverted flights count against the carrier.
with months as (
    select
        flight_month,
        carrier,
        count(*) as scheduled_flights,
        {{ count_if('arrived_on_time') }} as on_time_flights,
        {{ count_if('cancelled') }} as cancelled_flights,
        avg(departure_delay) as mean_departure_delay,
        {{ quantile('arrival_delay', 0.5) }} as median_arrival_delay,
        {{ share('arrived_on_time') }} as on_time_share
    from {{ ref('int_flights') }}
    group by flight_month, carrier
)

select
    months.*,
    airlines.carrier_name,
    rank() over (partition by flight_month order by on_time_share desc) as league_rank,
    on_time_share - lag(on_time_share) over (
        partition by months.carrier order by flight_month
    ) as change_on_month_before
from months
inner join {{ ref('stg_airlines') }} as airlines on months.carrier = airlines.carrier

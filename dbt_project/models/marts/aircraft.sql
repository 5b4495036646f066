-- Aircraft seen at New York: today's entry of the register and how hard each one worked.
-- Aircraft that the register does not know are kept, marked, with unknown age.
with usage as (
    select
        tail_number,
        -- Who flew it most; aircraft change hands and are leased out.
        {{ most_frequent('carrier') }} as main_carrier,
        count(*) as departures,
        count(distinct flight_date) as days_flown,
        sum(air_minutes) / 60.0 as air_hours,
        avg(departure_delay) as mean_departure_delay,
        sum(distance_miles) as miles
    from {{ ref('int_departures') }}
    where tail_number is not null
    group by tail_number
)

select
    usage.*,
    1.0 * usage.departures / usage.days_flown as departures_a_day,
    register.tail_number is not null as registered,
    register.manufacturer,
    register.model,
    register.seats,
    register.year_built,
    2013 - register.year_built as age_years
from usage
left join {{ ref('fleet_register') }} as register
    on usage.tail_number = register.tail_number
    and register.dbt_valid_to is null

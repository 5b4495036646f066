-- Does age delay? Old aircraft are not spread evenly over carriers, so each departure is compared
-- with the mean of its own carrier: `delay_against_carrier` is what is left for the age.
with departures as (
    select
        departures.tail_number,
        departures.departure_delay
            - avg(departures.departure_delay) over (partition by departures.carrier)
            as delay_against_carrier,
        departures.departure_delay,
        aircraft.age_years,
        aircraft.departures_a_day
    from {{ ref('int_departures') }} as departures
    inner join {{ ref('aircraft') }} as aircraft on departures.tail_number = aircraft.tail_number
    where aircraft.age_years is not null
),

banded as (
    select
        *,
        case
            when age_years < 5 then 1
            when age_years < 10 then 2
            when age_years < 15 then 3
            when age_years < 20 then 4
            when age_years < 25 then 5
            else 6
        end as band_order
    from departures
)

select
    band_order,
    case band_order
        when 1 then 'under 5'
        when 2 then '5 to 9'
        when 3 then '10 to 14'
        when 4 then '15 to 19'
        when 5 then '20 to 24'
        else '25 and more'
    end as age_band,
    count(distinct tail_number) as aircraft,
    count(*) as departures,
    avg(departure_delay) as mean_departure_delay,
    avg(delay_against_carrier) as delay_against_carrier,
    avg(departures_a_day) as departures_a_day
from banded
group by band_order

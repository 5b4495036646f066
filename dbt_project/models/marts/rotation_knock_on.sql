-- How a late arrival of the leg before becomes a late departure, and how much a roomy turn-round
-- absorbs. Tight is below what the carrier usually plans.
with rotations as (
    select
        rotations.departure_delay,
        rotations.departed_late,
        rotations.scheduled_ground_minutes < standards.usual_ground_minutes as tight_turn,
        case
            when rotations.previous_arrival_delay < 0 then 1
            when rotations.previous_arrival_delay < 15 then 2
            when rotations.previous_arrival_delay < 30 then 3
            when rotations.previous_arrival_delay < 60 then 4
            when rotations.previous_arrival_delay < 120 then 5
            else 6
        end as band_order
    from {{ ref('int_tail_rotations') }} as rotations
    inner join {{ source('ops', 'turn_standards') }} as standards
        on rotations.carrier = standards.carrier
    where
        rotations.previous_arrival_delay is not null
        and rotations.scheduled_ground_minutes between 30 and 360
)

select
    band_order,
    case band_order
        when 1 then 'early'
        when 2 then '0 to 14'
        when 3 then '15 to 29'
        when 4 then '30 to 59'
        when 5 then '60 to 119'
        else '120 and more'
    end as previous_delay_band,
    tight_turn,
    count(*) as rotations,
    avg(departure_delay) as mean_departure_delay,
    {{ share('departed_late') }} as late_share
from rotations
group by band_order, tight_turn

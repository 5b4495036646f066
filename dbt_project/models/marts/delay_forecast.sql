-- What to expect of a departure, by carrier and hour: the scores of the delay model, named.
select
    scores.carrier,
    airlines.carrier_name,
    scores.scheduled_hour,
    scores.departures,
    scores.observed_delay,
    scores.expected_delay,
    scores.expected_delay_in_storm,
    scores.low_delay,
    scores.high_delay,
    scores.late_probability,
    case
        when scores.late_probability < 0.15 then 'reliable'
        when scores.late_probability < 0.30 then 'watch'
        else 'at risk'
    end as outlook
from {{ source('scores', 'departure_delay') }} as scores
inner join {{ ref('stg_airlines') }} as airlines on scores.carrier = airlines.carrier

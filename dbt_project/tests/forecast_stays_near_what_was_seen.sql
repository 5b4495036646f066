-- Shrinking pulls a cell's mean towards the model, the less the more departures it has: with a
-- thousand of them a distance of five minutes means that the model, not the data, speaks.
select carrier, scheduled_hour, departures, observed_delay, expected_delay
from {{ ref('delay_forecast') }}
where departures >= 1000 and abs(expected_delay - observed_delay) > 5

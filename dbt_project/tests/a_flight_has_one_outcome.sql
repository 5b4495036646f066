-- Cancelled, diverted and arrived exclude each other.
select flight_id, cancelled, diverted, arrived_on_time
from {{ ref('int_flights') }}
where cast(cancelled as integer) + cast(diverted as integer) + cast(arrived_on_time as integer) > 1

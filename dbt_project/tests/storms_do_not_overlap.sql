-- A flight meets one storm at most, or int_flight_conditions would count it twice.
select earlier.spell_id, later.spell_id as overlapping_spell_id
from {{ source('ops', 'storm_spells') }} as earlier
inner join {{ source('ops', 'storm_spells') }} as later
    on earlier.origin = later.origin
    and earlier.spell_id < later.spell_id
    and later.first_hour_utc <= earlier.last_hour_utc

-- The register, completed by the airports it lacks.
select
    faa,
    name as airport_name,
    lat as latitude,
    lon as longitude,
    alt as altitude_feet,
    tz as utc_offset_hours,
    tzone as time_zone
from {{ source('raw', 'airports') }}
where faa not in (select extra.faa from {{ ref('extra_airports') }} as extra)

union all

select faa, name, latitude, longitude, altitude_feet, utc_offset_hours, time_zone
from {{ ref('extra_airports') }}

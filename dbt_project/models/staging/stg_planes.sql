-- One row for each registered aircraft. Manufacturers get the one name that people use.
select
    planes.tailnum as tail_number,
    cast(planes.year as integer) as year_built,
    coalesce(names.manufacturer, planes.manufacturer) as manufacturer,
    planes.model,
    planes.type as aircraft_type,
    planes.engines,
    planes.seats,
    planes.engine as engine_type
from {{ source('raw', 'planes') }} as planes
left join {{ ref('manufacturer_names') }} as names on planes.manufacturer = names.registered_as

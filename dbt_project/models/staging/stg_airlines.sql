-- Legal endings say nothing in a chart: "Delta Air Lines Inc." is shown as "Delta Air Lines".
select
    carrier,
    trim(regexp_replace(name, '(,? (Inc|Co|Corporation)[.]?)$', '')) as carrier_name
from {{ source('raw', 'airlines') }}

-- Every flight with what became of it. Incremental by month: only months that were loaded again
-- since they were last built are replaced, whole, so that rows which vanished vanish here too.
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='flight_month',
        on_schema_change='fail',
    )
}}

with flights as (
    select * from {{ ref('stg_flights') }}
    {% if is_incremental() %}
    where flight_month in (
        select fresh.flight_month
        from (
            select flight_month, max(loaded_at) as loaded_at
            from {{ ref('stg_flights') }}
            group by flight_month
        ) as fresh
        left join (
            select flight_month, max(loaded_at) as loaded_at
            from {{ this }}
            group by flight_month
        ) as built on fresh.flight_month = built.flight_month
        where built.loaded_at is null or fresh.loaded_at > built.loaded_at
    )
    {% endif %}
)

select
    *,
    not departed as cancelled,
    departed and arrival_delay is null as diverted,
    {{ is_late('departure_delay') }} as departed_late,
    -- A flight that never arrived as planned was not on time either.
    coalesce(not {{ is_late('arrival_delay') }}, false) as arrived_on_time,
    departure_delay - arrival_delay as made_up_minutes
from flights

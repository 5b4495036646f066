-- The league counts every flight that was loaded, once.
with counted as (
    select
        (select count(*) from {{ source('raw', 'flights') }}) as loaded,
        (select sum(scheduled_flights) from {{ ref('carrier_league') }}) as ranked
)

select * from counted
where loaded <> ranked

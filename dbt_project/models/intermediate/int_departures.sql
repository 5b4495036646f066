-- Flights that left: a delay exists only for them.
{{ config(materialized='ephemeral') }}

select * from {{ ref('int_flights') }}
where departed

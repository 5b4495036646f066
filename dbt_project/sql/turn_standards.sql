-- How long each carrier plans to have an aircraft on the ground between two departures from New
-- York. Reads a dbt model (int_tail_rotations), is read by one (rotation_knock_on).
--
-- Ground time under half an hour or over six hours is no turn-round: the first is a substitution
-- of aircraft under one flight number, the second a night or a workshop.
create schema if not exists ops;

create or replace table ops.turn_standards as
select
    carrier,
    count(*) as rotations,
    quantile_cont(scheduled_ground_minutes, 0.1) as tight_ground_minutes,
    median(scheduled_ground_minutes) as usual_ground_minutes
from intermediate.int_tail_rotations
where scheduled_ground_minutes between 30 and 360
group by carrier
-- A carrier with a handful of rotations has no standard of its own.
having count(*) >= 30;

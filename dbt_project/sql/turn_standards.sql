-- orchestrator: materialized=table, table=ops.turn_standards
-- How long each carrier plans to have an aircraft on the ground between two departures from New
-- York. Reads a dbt model (int_tail_rotations), is read by one (rotation_knock_on).
--
-- Ground time under half an hour or over six hours is no turn-round: the first is a substitution
-- of aircraft under one flight number, the second a night or a workshop.
select
    carrier,
    count(*) as rotations,
    percentile_cont(0.1) within group (order by scheduled_ground_minutes) as tight_ground_minutes,
    percentile_cont(0.5) within group (order by scheduled_ground_minutes) as usual_ground_minutes
from intermediate.int_tail_rotations
where scheduled_ground_minutes between 30 and 360
group by carrier
-- A carrier with a handful of rotations has no standard of its own.
having count(*) >= 30

-- The days of 2013, with US federal holidays and the days around them on which everybody travels.
-- Rules rather than a list: "the fourth Thursday of November" is easier to check than a date.
create schema if not exists ops;

create or replace table ops.calendar as
with days as (
    select cast(day as date) as calendar_date
    from generate_series(date '2013-01-01', date '2013-12-31', interval 1 day) as series (day)
),

-- The how-manieth Monday (or Thursday, …) of its month a day is, counted from either end.
placed as (
    select
        calendar_date,
        month(calendar_date) as month,
        day(calendar_date) as day,
        isodow(calendar_date) as weekday,
        (day(calendar_date) + 6) // 7 as nth,
        day(calendar_date) + 7 > day(last_day(calendar_date)) as is_last
    from days
),

holidays as (
    select
        calendar_date,
        weekday,
        case
            when month = 1 and day = 1 then 'New Year'
            when month = 1 and weekday = 1 and nth = 3 then 'Martin Luther King Day'
            when month = 2 and weekday = 1 and nth = 3 then 'Presidents'' Day'
            when month = 5 and weekday = 1 and is_last then 'Memorial Day'
            when month = 7 and day = 4 then 'Independence Day'
            when month = 9 and weekday = 1 and nth = 1 then 'Labor Day'
            when month = 10 and weekday = 1 and nth = 2 then 'Columbus Day'
            when month = 11 and day = 11 then 'Veterans Day'
            when month = 11 and weekday = 4 and nth = 4 then 'Thanksgiving'
            when month = 12 and day = 25 then 'Christmas'
        end as holiday
    from placed
)

select
    calendar_date,
    weekday,
    holiday,
    -- The three days before and after the long holidays: half empty on the day, full around it.
    exists (
        select 1
        from holidays as long_holiday
        where
            long_holiday.holiday in ('Thanksgiving', 'Christmas', 'Independence Day', 'New Year')
            and abs(date_diff('day', long_holiday.calendar_date, holidays.calendar_date))
                between 1 and 3
    ) as travel_peak
from holidays
order by calendar_date;

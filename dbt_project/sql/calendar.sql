-- orchestrator: materialized=table, table=ops.calendar
-- The days of 2013, with US federal holidays and the days around them on which everybody travels.
-- Rules rather than a list: "the fourth Thursday of November" is easier to check than a date.
with digits as (
    select 0 as digit union all select 1 union all select 2 union all select 3 union all select 4
    union all select 5 union all select 6 union all select 7 union all select 8 union all select 9
),

numbers as (
    select hundreds.digit * 100 + tens.digit * 10 + ones.digit as number
    from digits as ones cross join digits as tens cross join digits as hundreds
),

days as (
    select
        cast('2013-01-01' as date) + number as calendar_date,
        -- The first day was a Tuesday; 1 is Monday.
        mod(number + 1, 7) + 1 as weekday
    from numbers
    where number < 365
),

-- The how-manieth Monday (or Thursday, …) of its month a day is, counted from either end.
placed as (
    select
        calendar_date,
        extract(month from calendar_date) as month_number,
        extract(day from calendar_date) as day_number,
        weekday,
        cast(floor((extract(day from calendar_date) + 6) / 7.0) as integer) as nth,
        extract(month from calendar_date + 7) <> extract(month from calendar_date) as is_last
    from days
),

holidays as (
    select
        calendar_date,
        weekday,
        case
            when month_number = 1 and day_number = 1 then 'New Year'
            when month_number = 1 and weekday = 1 and nth = 3 then 'Martin Luther King Day'
            when month_number = 2 and weekday = 1 and nth = 3 then 'Presidents'' Day'
            when month_number = 5 and weekday = 1 and is_last then 'Memorial Day'
            when month_number = 7 and day_number = 4 then 'Independence Day'
            when month_number = 9 and weekday = 1 and nth = 1 then 'Labor Day'
            when month_number = 10 and weekday = 1 and nth = 2 then 'Columbus Day'
            when month_number = 11 and day_number = 11 then 'Veterans Day'
            when month_number = 11 and weekday = 4 and nth = 4 then 'Thanksgiving'
            when month_number = 12 and day_number = 25 then 'Christmas'
        end as holiday
    from placed
),

-- Half empty on the day, full around it.
long_holidays as (
    select calendar_date
    from holidays
    where holiday in ('Thanksgiving', 'Christmas', 'Independence Day', 'New Year')
)

select
    holidays.calendar_date,
    holidays.weekday,
    holidays.holiday,
    -- The three days before and after the long holidays.
    count(long_holidays.calendar_date) > 0 as travel_peak
from holidays
left join long_holidays
    on abs(long_holidays.calendar_date - holidays.calendar_date) between 1 and 3
group by holidays.calendar_date, holidays.weekday, holidays.holiday
order by holidays.calendar_date

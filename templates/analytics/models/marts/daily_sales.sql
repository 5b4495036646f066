select
    orders.order_date,
    count(*) as orders,
    sum(orders.amount) as revenue,
    sum(case when hours.is_busy then orders.amount else 0 end) as revenue_in_busy_hours
from {{ ref('stg_orders') }} as orders
inner join {{ source('ops', 'busy_hours') }} as hours
    on extract(hour from orders.ordered_at) = hours.hour_of_day
group by orders.order_date

select
    orders.order_id,
    orders.ordered_at,
    cast(orders.ordered_at as date) as order_date,
    products.product_name,
    products.category,
    orders.quantity,
    cast(orders.quantity * products.price as numeric(12, 2)) as amount
from {{ ref('raw_orders') }} as orders
inner join {{ ref('raw_products') }} as products on orders.product_id = products.product_id

select
    category,
    product_name,
    sum(quantity) as sold,
    sum(amount) as revenue,
    rank() over (partition by category order by sum(amount) desc) as rank_in_category
from {{ ref('stg_orders') }}
group by category, product_name

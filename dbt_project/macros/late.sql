{#- One rule of lateness for the whole project: `var('late_after_minutes')` or more. -#}
{% macro is_late(minutes) %}({{ minutes }} >= {{ var('late_after_minutes') }}){% endmacro %}

{#- Share of rows for which a condition holds among those for which it is known (0 to 1). -#}
{% macro share(condition) %}avg(cast({{ condition }} as integer)){% endmacro %}

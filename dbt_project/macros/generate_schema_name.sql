{#- A schema is named as written ("marts", never "main_marts"), because the SQL files and Python
    tasks of this project spell tables out in full. Environments differ by database file. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

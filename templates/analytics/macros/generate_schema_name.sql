{# A schema is called what dbt_project.yml says, in every target: SQL files can then name it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

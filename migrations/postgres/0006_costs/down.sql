DROP TABLE tenant_costs;
DROP TABLE call_costs;

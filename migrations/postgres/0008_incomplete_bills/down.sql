ALTER TABLE tenant_costs DROP COLUMN incomplete_calls;
ALTER TABLE call_costs DROP COLUMN incomplete;

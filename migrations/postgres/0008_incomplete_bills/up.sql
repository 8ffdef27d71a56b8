-- What calls cost is kept while they last. Column names and nullability are the same as
-- in ../../sqlite/0008_incomplete_bills/up.sql.

-- Whether the call is not over yet, or its process was lost: what was last known of it.
-- The next one of the same call takes its place.
ALTER TABLE call_costs ADD COLUMN incomplete BOOLEAN NOT NULL DEFAULT FALSE;

-- Calls whose bill is such a one.
ALTER TABLE tenant_costs ADD COLUMN incomplete_calls INTEGER NOT NULL DEFAULT 0
    CHECK (incomplete_calls >= 0);

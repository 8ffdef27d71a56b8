-- What calls cost, and what they add up to. Column names and nullability are the same
-- as in ../../postgres/0006_costs/up.sql.

-- A call's bill. Written once: a second one of the same call is nothing.
CREATE TABLE call_costs (
    -- No reference to `calls`: what was spent was spent, whatever became of the row.
    call_sid   TEXT      NOT NULL PRIMARY KEY,
    tenant_id  TEXT      NOT NULL CHECK (tenant_id <> ''),
    node_id    TEXT      NOT NULL CHECK (node_id <> ''),
    -- The day (UTC) on which its stream began, YYYY-MM-DD.
    day        TEXT      NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    -- Billionths of a dollar.
    nanos      BIGINT    NOT NULL CHECK (nanos >= 0),
    -- Whether something of it had no price, and whether some of it is a guess.
    unpriced   BOOLEAN   NOT NULL,
    estimated  BOOLEAN   NOT NULL,
    -- The lines of the bill, JSON.
    breakdown  TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- What a tenant's calls of a day cost, by the node that had them: two nodes never
-- write the same row. Added up in the transaction that writes the bill.
CREATE TABLE tenant_costs (
    tenant_id      TEXT NOT NULL CHECK (tenant_id <> ''),
    day            TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    node_id        TEXT NOT NULL CHECK (node_id <> ''),
    nanos          BIGINT  NOT NULL CHECK (nanos >= 0),
    calls          INTEGER NOT NULL CHECK (calls >= 0),
    -- Of those, how many cost more than is known.
    unpriced_calls INTEGER NOT NULL CHECK (unpriced_calls >= 0),
    PRIMARY KEY (tenant_id, day, node_id)
);

CREATE INDEX tenant_costs_by_day ON tenant_costs (day);

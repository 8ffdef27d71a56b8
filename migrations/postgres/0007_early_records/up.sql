-- Records of calls whose rows are not here yet: they lie in another node's journal,
-- or are on their way. Column names and nullability are the same as in
-- ../../sqlite/0007_early_records/up.sql.
CREATE TABLE early_records (
    -- A UUID v7: they are stored in the order in which they came.
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- No reference to `calls`: that row is what they wait for.
    call_sid  TEXT      NOT NULL,
    -- Who says that it is theirs; '' where nobody knows.
    tenant_id TEXT      NOT NULL,
    kind      TEXT      NOT NULL CHECK (kind <> ''),
    -- Two that say the same have the same.
    subject   TEXT      NOT NULL CHECK (subject <> ''),
    -- JSON, as in a journal.
    record    TEXT      NOT NULL,
    kept_at   TIMESTAMP NOT NULL,
    UNIQUE (call_sid, subject)
);

-- How many there are of a tenant.
CREATE INDEX early_records_by_tenant ON early_records (tenant_id, kind);
-- Which are given up.
CREATE INDEX early_records_by_age ON early_records (kept_at);

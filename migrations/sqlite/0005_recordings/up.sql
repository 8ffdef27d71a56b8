-- What the carrier recorded of calls, and how far its copy has come. Column names
-- and nullability are the same as in ../../postgres/0005_recordings/up.sql.
CREATE TABLE recordings (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_id       TEXT      NOT NULL CHECK (tenant_id <> ''),
    call_sid        TEXT      NOT NULL REFERENCES calls (call_sid),
    account_sid     TEXT      NOT NULL CHECK (account_sid <> ''),
    recording_sid   TEXT      NOT NULL CHECK (recording_sid <> ''),
    state           TEXT      NOT NULL CHECK (state IN ('pending', 'stored', 'failed')),
    -- How often it was asked for.
    attempts        INTEGER   NOT NULL CHECK (attempts >= 0),
    -- When it is asked for next; while it is under way, when it counts as given up.
    next_attempt_at TIMESTAMP,
    -- The node that is asking for it, or in whose folder the file is.
    node_id         TEXT,
    -- The last failure, in our own words.
    error           TEXT,
    -- Within the folder of recordings.
    path            TEXT,
    bytes           BIGINT    CHECK (bytes >= 0),
    duration_s      INTEGER   CHECK (duration_s >= 0),
    channels        INTEGER   CHECK (channels IN (1, 2)),
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    -- The carrier tells of one as often as it likes.
    UNIQUE (account_sid, recording_sid),
    CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((state = 'stored') = (path IS NOT NULL)),
    CHECK ((state = 'stored') = (bytes IS NOT NULL)),
    CHECK (state <> 'failed' OR error IS NOT NULL)
);

CREATE INDEX recordings_by_call ON recordings (call_sid);
-- What is to be asked for.
CREATE INDEX recordings_due ON recordings (next_attempt_at) WHERE state = 'pending';

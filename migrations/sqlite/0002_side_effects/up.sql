-- The ledger of what tools did to the world, so that nothing is done twice. Column
-- names and nullability are the same as in ../../postgres/0002_side_effects/up.sql.
CREATE TABLE side_effects (
    -- TENANT:CALL:OPERATION:HASH
    key         TEXT      NOT NULL PRIMARY KEY CHECK (key <> ''),
    tenant_id   TEXT      NOT NULL,
    -- No reference to `calls`: an effect is here before it is carried out, while
    -- the call's own row may still wait in a node's queue.
    call_sid    TEXT      NOT NULL,
    operation   TEXT      NOT NULL CHECK (operation <> ''),
    -- SHA-256 of the canonical inputs, in hex. The inputs may name a person.
    inputs_hash TEXT      NOT NULL CHECK (length(inputs_hash) = 64),
    state       TEXT      NOT NULL CHECK (state IN ('begun', 'done', 'failed')),
    -- What every repetition is answered.
    result      TEXT      CHECK (json_valid(result)),
    -- How often it was begun.
    attempts    INTEGER   NOT NULL CHECK (attempts >= 1),
    -- The life of the process that began it last.
    begun_by    TEXT      NOT NULL,
    begun_at    TIMESTAMP NOT NULL,
    done_at     TIMESTAMP,
    CHECK ((state = 'begun') = (done_at IS NULL)),
    CHECK ((state = 'begun') = (result IS NULL))
);

CREATE INDEX side_effects_by_call ON side_effects (tenant_id, call_sid, begun_at);
-- What was begun and never answered is looked for after a crash.
CREATE INDEX side_effects_begun ON side_effects (begun_at) WHERE state = 'begun';

-- Calls and what is known about them. Column names and nullability are the same
-- as in ../../postgres/0001_calls/up.sql; a test compares the two schemas.
-- Every TIMESTAMP is UTC. Every JSON column is TEXT.

-- One process of the fleet.
CREATE TABLE nodes (
    node_id      TEXT      NOT NULL PRIMARY KEY,
    started_at   TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL,
    stopped_at   TIMESTAMP,
    version      TEXT      NOT NULL,
    pid          BIGINT    NOT NULL,
    address      TEXT      NOT NULL
);

-- Switches that act on the next call. '*' is every tenant.
CREATE TABLE tenant_switches (
    tenant_id       TEXT      NOT NULL PRIMARY KEY,
    channel_enabled BOOLEAN   NOT NULL CHECK (channel_enabled IN (0, 1)),
    -- NULL leaves the decision to the tenant's file.
    stream_enabled  BOOLEAN   CHECK (stream_enabled IN (0, 1)),
    bridge_only     BOOLEAN   NOT NULL CHECK (bridge_only IN (0, 1)),
    updated_at      TIMESTAMP NOT NULL,
    updated_by      TEXT      NOT NULL
);

-- One row per call. `status` is the carrier's word, `outcome` is ours.
CREATE TABLE calls (
    id                TEXT      NOT NULL PRIMARY KEY,
    call_sid          TEXT      NOT NULL UNIQUE,
    tenant_id         TEXT      NOT NULL,
    account_sid       TEXT,
    stream_sid        TEXT,
    direction         TEXT      NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    channel           TEXT      NOT NULL CHECK (channel IN ('phone', 'web')),
    from_number       TEXT      NOT NULL,
    to_number         TEXT      NOT NULL,
    status            TEXT      NOT NULL CHECK (status IN (
        'queued', 'initiated', 'ringing', 'in-progress',
        'completed', 'busy', 'failed', 'no-answer', 'canceled')),
    phase             TEXT      NOT NULL,
    outcome           TEXT      CHECK (outcome IN (
        'booked', 'cancelled', 'rescheduled', 'completed', 'handoff', 'transferred',
        'voicemail', 'abandoned', 'timeout', 'failed', 'refused')),
    mode              TEXT      NOT NULL CHECK (mode IN ('realtime', 'pipeline', 'bridge')),
    handoff           BOOLEAN   NOT NULL CHECK (handoff IN (0, 1)),
    handoff_reason    TEXT,
    error             TEXT,
    turn_count        INTEGER   NOT NULL CHECK (turn_count >= 0),
    barge_in_count    INTEGER   NOT NULL CHECK (barge_in_count >= 0),
    tool_call_count   INTEGER   NOT NULL CHECK (tool_call_count >= 0),
    duration_ms       BIGINT    CHECK (duration_ms >= 0),
    realtime_provider TEXT,
    model             TEXT,
    voice             TEXT,
    persona           TEXT,
    node_id           TEXT,
    seed              BIGINT,
    captured_fields   TEXT      NOT NULL CHECK (json_valid(captured_fields)),
    created_at        TIMESTAMP NOT NULL,
    stream_started_at TIMESTAMP,
    ended_at          TIMESTAMP,
    updated_at        TIMESTAMP NOT NULL
);

-- A tenant's calls, newest first: `id` is a UUID v7, so it sorts by creation.
CREATE INDEX calls_by_tenant ON calls (tenant_id, id);
CREATE INDEX calls_by_creation ON calls (created_at);
-- Live calls are few among many: what a restart closes and a dashboard counts.
CREATE INDEX calls_live ON calls (tenant_id, node_id) WHERE ended_at IS NULL;

-- What happened, in order. Never changed, never deleted.
CREATE TABLE call_events (
    id        TEXT      NOT NULL PRIMARY KEY,
    -- NULL for what concerns no call, such as a switch.
    call_sid  TEXT      REFERENCES calls (call_sid),
    tenant_id TEXT,
    seq       INTEGER   NOT NULL,
    at        TIMESTAMP NOT NULL,
    -- Microseconds since the call's start.
    at_us     BIGINT    NOT NULL,
    kind      TEXT      NOT NULL CHECK (kind <> ''),
    channel   TEXT      NOT NULL CHECK (channel IN ('phone', 'web')),
    data      TEXT      NOT NULL CHECK (json_valid(data))
);

CREATE INDEX call_events_by_call ON call_events (call_sid, seq) WHERE call_sid IS NOT NULL;
CREATE INDEX call_events_without_call ON call_events (at) WHERE call_sid IS NULL;

CREATE TRIGGER call_events_no_update BEFORE UPDATE ON call_events
BEGIN
    SELECT RAISE(ABORT, 'call_events is append-only');
END;

CREATE TRIGGER call_events_no_delete BEFORE DELETE ON call_events
BEGIN
    SELECT RAISE(ABORT, 'call_events is append-only');
END;

-- What each side said. `heard` is the part of `generated` that was really played.
CREATE TABLE transcripts (
    id          TEXT      NOT NULL PRIMARY KEY,
    call_sid    TEXT      NOT NULL REFERENCES calls (call_sid),
    tenant_id   TEXT      NOT NULL,
    turn        INTEGER   NOT NULL CHECK (turn >= 0),
    speaker     TEXT      NOT NULL CHECK (speaker IN ('caller', 'agent')),
    generated   TEXT      NOT NULL,
    heard       TEXT,
    item_id     TEXT,
    interrupted BOOLEAN   NOT NULL CHECK (interrupted IN (0, 1)),
    started_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);

CREATE INDEX transcripts_by_call ON transcripts (call_sid, turn);

-- How fast the model answered, per call. Holds nothing about a person.
CREATE TABLE stream_handshakes (
    call_sid       TEXT      NOT NULL PRIMARY KEY REFERENCES calls (call_sid),
    tenant_id      TEXT      NOT NULL,
    elapsed_ms     BIGINT    CHECK (elapsed_ms >= 0),
    first_audio_ms BIGINT    CHECK (first_audio_ms >= 0),
    fell_back      BOOLEAN   NOT NULL CHECK (fell_back IN (0, 1)),
    error_message  TEXT,
    started_at     TIMESTAMP NOT NULL
);

CREATE INDEX stream_handshakes_by_start ON stream_handshakes (started_at);

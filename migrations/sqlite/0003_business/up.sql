-- Appointments, holds, calls put through to people, and callers who are turned away.
-- Column names and nullability are the same as in ../../postgres/0003_business/up.sql.

-- What is agreed with a customer. `resource` is what serves one customer at a time.
CREATE TABLE appointments (
    id                  TEXT      NOT NULL PRIMARY KEY,
    tenant_id           TEXT      NOT NULL CHECK (tenant_id <> ''),
    resource            TEXT      NOT NULL CHECK (resource <> ''),
    -- APT-12345: what the customer is told. Each tenant has its own.
    confirmation_number TEXT      NOT NULL CHECK (confirmation_number GLOB 'APT-[0-9][0-9][0-9][0-9][0-9]'),
    customer_name       TEXT      NOT NULL,
    phone_number        TEXT      NOT NULL,
    email               TEXT,
    service             TEXT,
    status              TEXT      NOT NULL CHECK (status IN ('confirmed', 'cancelled')),
    starts_at           TIMESTAMP NOT NULL CHECK (starts_at IS datetime(starts_at)),
    ends_at             TIMESTAMP NOT NULL CHECK (ends_at IS datetime(ends_at)),
    -- No reference to `calls`: an appointment is here before its caller is told of
    -- it, while the call's own row may still wait in a node's queue.
    call_sid            TEXT,
    -- SHA-256 of the name under which the request may be repeated, in hex.
    request_hash        TEXT      CHECK (length(request_hash) = 64),
    created_at          TIMESTAMP NOT NULL,
    updated_at          TIMESTAMP NOT NULL,
    cancelled_at        TIMESTAMP,
    UNIQUE (tenant_id, confirmation_number),
    UNIQUE (tenant_id, request_hash),
    CHECK (starts_at < ends_at),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);

-- A tenant's calendar; what was cancelled is not in it.
CREATE INDEX appointments_by_time ON appointments (tenant_id, starts_at) WHERE status = 'confirmed';
CREATE INDEX appointments_by_phone ON appointments (tenant_id, phone_number);

-- A time that is kept for somebody for a few minutes. Nothing about a person.
CREATE TABLE holds (
    id         TEXT      NOT NULL PRIMARY KEY,
    tenant_id  TEXT      NOT NULL CHECK (tenant_id <> ''),
    resource   TEXT      NOT NULL CHECK (resource <> ''),
    -- SHA-256 of what its holder shows, in hex.
    token_hash TEXT      NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    starts_at  TIMESTAMP NOT NULL CHECK (starts_at IS datetime(starts_at)),
    ends_at    TIMESTAMP NOT NULL CHECK (ends_at IS datetime(ends_at)),
    expires_at TIMESTAMP NOT NULL,
    call_sid   TEXT,
    created_at TIMESTAMP NOT NULL,
    CHECK (starts_at < ends_at),
    CHECK (created_at < expires_at)
);

CREATE INDEX holds_by_time ON holds (tenant_id, starts_at);

-- The times that are taken: one row for each appointment that is not cancelled and
-- for each hold, kept by the triggers below. It is here that overlaps are refused.
-- Times are compared as texts, which is why the tables above take one form of them.
CREATE TABLE occupied (
    owner_id       TEXT      NOT NULL PRIMARY KEY,
    appointment_id TEXT      REFERENCES appointments (id) ON DELETE CASCADE,
    hold_id        TEXT      REFERENCES holds (id) ON DELETE CASCADE,
    tenant_id      TEXT      NOT NULL,
    resource       TEXT      NOT NULL,
    starts_at      TIMESTAMP NOT NULL,
    ends_at        TIMESTAMP NOT NULL,
    CHECK (starts_at < ends_at),
    -- One of the two, and it is the owner.
    CHECK ((appointment_id IS NULL) <> (hold_id IS NULL)),
    CHECK (owner_id = coalesce(appointment_id, hold_id))
);

CREATE INDEX occupied_by_appointment ON occupied (appointment_id) WHERE appointment_id IS NOT NULL;
CREATE INDEX occupied_by_hold ON occupied (hold_id) WHERE hold_id IS NOT NULL;
CREATE INDEX occupied_by_time ON occupied (tenant_id, resource, starts_at);

CREATE TRIGGER occupied_no_overlap_on_insert BEFORE INSERT ON occupied
WHEN EXISTS (
    SELECT 1 FROM occupied
    WHERE tenant_id = NEW.tenant_id AND resource = NEW.resource
        AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at)
BEGIN
    SELECT RAISE(ABORT, 'occupied_no_overlap: the time is taken');
END;

CREATE TRIGGER occupied_no_overlap_on_update BEFORE UPDATE ON occupied
WHEN EXISTS (
    SELECT 1 FROM occupied
    WHERE tenant_id = NEW.tenant_id AND resource = NEW.resource
        AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at AND rowid <> OLD.rowid)
BEGIN
    SELECT RAISE(ABORT, 'occupied_no_overlap: the time is taken');
END;

CREATE TRIGGER appointments_occupy_on_insert AFTER INSERT ON appointments
WHEN NEW.status <> 'cancelled'
BEGIN
    INSERT INTO occupied (owner_id, appointment_id, tenant_id, resource, starts_at, ends_at)
    VALUES (NEW.id, NEW.id, NEW.tenant_id, NEW.resource, NEW.starts_at, NEW.ends_at);
END;

CREATE TRIGGER appointments_occupy_on_update
AFTER UPDATE OF tenant_id, resource, starts_at, ends_at, status ON appointments
BEGIN
    DELETE FROM occupied WHERE appointment_id = OLD.id;
    INSERT INTO occupied (owner_id, appointment_id, tenant_id, resource, starts_at, ends_at)
    SELECT NEW.id, NEW.id, NEW.tenant_id, NEW.resource, NEW.starts_at, NEW.ends_at
    WHERE NEW.status <> 'cancelled';
END;

CREATE TRIGGER holds_occupy_on_insert AFTER INSERT ON holds
BEGIN
    INSERT INTO occupied (owner_id, hold_id, tenant_id, resource, starts_at, ends_at)
    VALUES (NEW.id, NEW.id, NEW.tenant_id, NEW.resource, NEW.starts_at, NEW.ends_at);
END;

CREATE TRIGGER holds_occupy_on_update
AFTER UPDATE OF tenant_id, resource, starts_at, ends_at ON holds
BEGIN
    DELETE FROM occupied WHERE hold_id = OLD.id;
    INSERT INTO occupied (owner_id, hold_id, tenant_id, resource, starts_at, ends_at)
    VALUES (NEW.id, NEW.id, NEW.tenant_id, NEW.resource, NEW.starts_at, NEW.ends_at);
END;

-- A call that was put through to a human. The number that was dialled is the
-- tenant's business; `target` says who it was in a word.
CREATE TABLE handoffs (
    call_sid     TEXT      NOT NULL PRIMARY KEY REFERENCES calls (call_sid),
    tenant_id    TEXT      NOT NULL,
    reason       TEXT      NOT NULL CHECK (reason <> ''),
    target       TEXT      NOT NULL CHECK (target <> ''),
    announced_at TIMESTAMP NOT NULL,
    -- How the dialled leg ended, in the carrier's word.
    outcome      TEXT      CHECK (outcome IN ('completed', 'busy', 'failed', 'no-answer', 'canceled')),
    outcome_at   TIMESTAMP,
    -- How long they spoke.
    talk_s       INTEGER   CHECK (talk_s >= 0),
    CHECK ((outcome IS NULL) = (outcome_at IS NULL))
);

CREATE INDEX handoffs_by_time ON handoffs (tenant_id, announced_at);
-- What the carrier has not yet reported on.
CREATE INDEX handoffs_open ON handoffs (announced_at) WHERE outcome IS NULL;

-- Callers who are turned away, beside those that the files name. '*' is every tenant.
CREATE TABLE blocked_numbers (
    tenant_id  TEXT      NOT NULL CHECK (tenant_id <> ''),
    -- A number, or the beginning of numbers with '*' behind it.
    pattern    TEXT      NOT NULL CHECK (pattern LIKE '+%'),
    created_at TIMESTAMP NOT NULL,
    created_by TEXT      NOT NULL,
    PRIMARY KEY (tenant_id, pattern)
);

-- What is kept about people, and for how long. Column names and nullability are
-- the same as in ../../postgres/0004_privacy/up.sql.

-- When the call's words (transcript, captured fields, texts of events, ledger) and
-- its numbers were taken out; NULL while they are there.
ALTER TABLE calls ADD COLUMN words_gone_at TIMESTAMP;
ALTER TABLE calls ADD COLUMN numbers_gone_at TIMESTAMP;

-- What retention looks for: few rows once it has been there.
CREATE INDEX calls_with_words ON calls (tenant_id, created_at) WHERE words_gone_at IS NULL;
CREATE INDEX calls_with_numbers ON calls (tenant_id, created_at) WHERE numbers_gone_at IS NULL;
-- What an erasure and an export look for.
CREATE INDEX calls_by_from ON calls (from_number);
CREATE INDEX calls_by_to ON calls (to_number);

-- One change is allowed of an event, and it only takes away: the new data are some
-- of the old fields as they were, and "redacted": true.
DROP TRIGGER call_events_no_update;

CREATE TRIGGER call_events_no_update BEFORE UPDATE ON call_events
WHEN NOT (
    NEW.id IS OLD.id AND NEW.call_sid IS OLD.call_sid AND NEW.tenant_id IS OLD.tenant_id
    AND NEW.seq IS OLD.seq AND NEW.at IS OLD.at AND NEW.at_us IS OLD.at_us
    AND NEW.kind IS OLD.kind AND NEW.channel IS OLD.channel
    AND json_type(NEW.data, '$.redacted') IS 'true'
    AND NOT EXISTS (
        SELECT 1 FROM json_each(NEW.data) AS n
        WHERE n.key <> 'redacted' AND NOT EXISTS (
            SELECT 1 FROM json_each(OLD.data) AS o
            WHERE o.key IS n.key AND o.type IS n.type AND o.value IS n.value)))
BEGIN
    SELECT RAISE(ABORT, 'call_events is append-only');
END;

-- What is kept about people, and for how long. Column names and nullability are
-- the same as in ../../sqlite/0004_privacy/up.sql.

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
-- of the old fields as they were, and "redacted": true. Into JSON with a zero byte
-- nobody can look here: then none of its fields may stay.
CREATE FUNCTION refuse_all_but_redaction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fits BOOLEAN;
BEGIN
    fits := (NEW.id, NEW.call_sid, NEW.tenant_id, NEW.seq, NEW.at, NEW.at_us, NEW.kind, NEW.channel)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.call_sid, OLD.tenant_id, OLD.seq, OLD.at, OLD.at_us, OLD.kind, OLD.channel)
        AND json_typeof(NEW.data::json) = 'object';
    fits := fits AND (NEW.data::json -> 'redacted')::text IS NOT DISTINCT FROM 'true';
    IF fits AND json_typeof(OLD.data::json) = 'object' AND position('\u0000' IN OLD.data) = 0 THEN
        fits := NOT EXISTS (
            SELECT 1 FROM json_each(NEW.data::json) AS n
            WHERE n.key <> 'redacted' AND NOT EXISTS (
                SELECT 1 FROM json_each(OLD.data::json) AS o
                WHERE o.key = n.key AND o.value::text = n.value::text));
    ELSIF fits THEN
        fits := (SELECT count(*) FROM json_object_keys(NEW.data::json)) = 1;
    END IF;
    IF NOT fits THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

DROP TRIGGER call_events_no_change ON call_events;

CREATE TRIGGER call_events_no_update BEFORE UPDATE ON call_events
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_redaction();

CREATE TRIGGER call_events_no_delete BEFORE DELETE ON call_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

DROP TRIGGER call_events_no_update;
CREATE TRIGGER call_events_no_update BEFORE UPDATE ON call_events
BEGIN
    SELECT RAISE(ABORT, 'call_events is append-only');
END;
DROP INDEX calls_by_to;
DROP INDEX calls_by_from;
DROP INDEX calls_with_numbers;
DROP INDEX calls_with_words;
ALTER TABLE calls DROP COLUMN numbers_gone_at;
ALTER TABLE calls DROP COLUMN words_gone_at;

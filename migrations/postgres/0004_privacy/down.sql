DROP TRIGGER call_events_no_delete ON call_events;
DROP TRIGGER call_events_no_update ON call_events;
DROP FUNCTION refuse_all_but_redaction();
CREATE TRIGGER call_events_no_change BEFORE UPDATE OR DELETE ON call_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP INDEX calls_by_to;
DROP INDEX calls_by_from;
DROP INDEX calls_with_numbers;
DROP INDEX calls_with_words;
ALTER TABLE calls DROP COLUMN numbers_gone_at;
ALTER TABLE calls DROP COLUMN words_gone_at;

DROP TABLE stream_handshakes;
DROP TABLE transcripts;
DROP TABLE call_events;
DROP TABLE calls;
DROP TABLE tenant_switches;
DROP TABLE nodes;

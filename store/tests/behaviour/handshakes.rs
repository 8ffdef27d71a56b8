//! A call has one handshake, and its row fills in as things become known.

use crate::support::{at, call, started};
use trunkline_store::{HandshakeChange, HandshakeRow, Record, Scope};

on_both_databases! {
    fn a_handshake_fills_in(database) {
        let call = call("CA1", "salon");
        let dialled = HandshakeRow {
            call_sid: call.call_sid.clone(),
            tenant_id: call.tenant_id.clone(),
            elapsed_ms: None,
            first_audio_ms: None,
            fell_back: false,
            error_message: None,
            started_at: at(0),
        };
        let ready = HandshakeChange {
            call_sid: call.call_sid.clone(),
            elapsed_ms: Some(847),
            first_audio_ms: None,
            fell_back: None,
            error_message: None,
        };
        let fell_back = HandshakeChange {
            fell_back: Some(true),
            error_message: Some("mute for 3000 ms".to_owned()),
            elapsed_ms: None,
            ..ready.clone()
        };
        let nothing = HandshakeChange { elapsed_ms: None, ..ready.clone() };
        database.apply(&[
            started(&call),
            Record::Handshake(dialled.clone()),
            Record::HandshakeChanged(ready),
            Record::HandshakeChanged(nothing),
            Record::HandshakeChanged(fell_back),
            Record::Handshake(dialled.clone()),
        ]);
        let expected = HandshakeRow {
            elapsed_ms: Some(847),
            fell_back: true,
            error_message: Some("mute for 3000 ms".to_owned()),
            ..dialled
        };
        let found = database.store.handshake(Scope::Tenant(&call.tenant_id), &call.call_sid).unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        assert_eq!(database.store.handshakes(Scope::AllTenants, at(0), 10).unwrap(), [expected]);
        assert_eq!(database.store.handshakes(Scope::AllTenants, at(1), 10).unwrap(), []);
    }
}

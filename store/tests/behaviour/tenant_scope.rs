//! One tenant never sees another's calls.

use crate::support::{at, call, event, said, started, tenant};
use trunkline_store::{HandshakeRow, Record, Scope, Speaker};

on_both_databases! {
    fn what_belongs_to_another_is_not_found(database) {
        let call = call("CA1", "salon");
        database.apply(&[
            started(&call),
            Record::Event(event(&call, 1, "answered")),
            Record::Transcript(said(&call, 0, Speaker::Caller, "hello")),
            Record::Handshake(HandshakeRow {
                call_sid: call.call_sid.clone(),
                tenant_id: call.tenant_id.clone(),
                elapsed_ms: None,
                first_audio_ms: None,
                fell_back: false,
                error_message: None,
                started_at: at(0),
            }),
        ]);
        let (salon, garage) = (tenant("salon"), tenant("garage"));
        for (scope, number) in [
            (Scope::Tenant(&salon), 1),
            (Scope::AllTenants, 1),
            (Scope::Tenant(&garage), 0),
        ] {
            let (store, sid) = (&database.store, &call.call_sid);
            let found = [
                store.call(scope, sid).unwrap().into_iter().count(),
                store.calls(scope, 10, None).unwrap().len(),
                store.events(scope, sid).unwrap().len(),
                store.transcript(scope, sid).unwrap().len(),
                store.handshake(scope, sid).unwrap().into_iter().count(),
                store.handshakes(scope, at(0), 10).unwrap().len(),
            ];
            assert_eq!(found, [number; 6], "{scope:?}");
            let counts = store.counts(scope, at(0)).unwrap();
            let number = i64::try_from(number).unwrap();
            assert_eq!((counts.live, counts.total), (number, number), "{scope:?}");
        }
    }
}

//! A transcript keeps what was meant apart from what was heard.

use crate::support::{at, call, said, started};
use trunkline_core::pii::Personal;
use trunkline_store::{Record, Scope, Speaker, TranscriptHeard};
use uuid::Uuid;

on_both_databases! {
    fn an_interrupted_sentence_keeps_both(database) {
        let call = call("CA1", "salon");
        let reply = said(&call, 1, Speaker::Agent, "we have nine, ten and eleven");
        let heard = |id| TranscriptHeard {
            id,
            heard: Personal::new("we have nine"),
            interrupted: true,
            ended_at: at(2_000),
        };
        database.apply(&[
            started(&call),
            Record::Transcript(reply.clone()),
            Record::Transcript(said(&call, 0, Speaker::Caller, "when?")),
            Record::TranscriptHeard(heard(reply.id)),
        ]);
        let rows = database.store.transcript(Scope::AllTenants, &call.call_sid).unwrap();
        assert_eq!(rows.iter().map(|r| r.turn).collect::<Vec<_>>(), [0, 1]);
        let row = &rows[1];
        assert_eq!(row.generated, reply.generated);
        assert_eq!(row.heard.as_ref().map(Personal::expose), Some("we have nine"));
        assert_eq!((row.interrupted, row.ended_at), (true, Some(at(2_000))));
        assert_eq!((rows[0].heard.as_ref(), rows[0].interrupted), (None, false));

        let unknown = database.store.apply(&[Record::TranscriptHeard(heard(Uuid::now_v7()))]).unwrap();
        assert_eq!(unknown.refused.len(), 1);
    }
}

//! What the call core costs: a notice from the media path, and a whole turn.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may fail loudly, and its macros write functions"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use trunkline_core::call::{Call, CallSettings, Input, ModelEvent, PhaseName, Script};
use trunkline_core::ids::{CallSid, ItemId, ResponseId, StreamSid, TenantId};
use trunkline_core::media::Notice;
use trunkline_core::pii::Personal;
use trunkline_core::tenant::{Credentials, Limits, Mode, ModelSettings, Persona, Tenant, Turns};
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInSettings;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::SilenceSettings;

fn tenant() -> Tenant {
    Tenant {
        id: TenantId::parse("bench").unwrap(),
        company: "Bench".to_owned(),
        numbers: Vec::new(),
        mode: Mode::Realtime,
        persona: Persona {
            name: "bench".to_owned(),
            speaks_as: "Sarah".to_owned(),
            instructions: String::new(),
            greeting: "Hello.".to_owned(),
            farewell: String::new(),
            wrap_up: String::new(),
            fillers: Vec::new(),
            nudge: String::new(),
            bridging: String::new(),
            tangents: Vec::new(),
            voice: "marin".to_owned(),
        },
        human_number: None,
        caller_id: None,
        consent: None,
        record: false,
        stream_enabled: true,
        budget: Default::default(),
        recording: trunkline_core::tenant::Recording::default(),
        flight_recorder: None,
        privacy: Default::default(),
        limits: Limits::default(),
        turns: Turns::Ours,
        barge_in: BargeInSettings::default(),
        endpointing: Endpointing::default(),
        silence: SilenceSettings::default(),
        voicemail: None,
        model: ModelSettings::default(),
        tools: Vec::new(),
        pipeline: Default::default(),
        facts: BTreeMap::new(),
        credentials: Credentials::default(),
    }
}

fn response(n: u32) -> ResponseId {
    ResponseId::parse(&format!("resp_{n}")).unwrap()
}

fn item(n: u32) -> ItemId {
    ItemId::parse(&format!("item_{n}")).unwrap()
}

/// A call and its clock.
struct Bench {
    call: Call,
    now: Micros,
}

impl Bench {
    fn tell(&mut self, input: Input) {
        self.now = self.now + Micros::from_millis(5);
        self.call.handle(input, self.now);
        while let Some(output) = self.call.poll_output() {
            black_box(&output);
        }
    }

    fn model(&mut self, event: ModelEvent) {
        self.tell(Input::Model(event));
    }

    /// The model says something that is played to its end.
    fn answer(&mut self, n: u32) {
        self.model(ModelEvent::ResponseAnnounced { response: response(n) });
        self.model(ModelEvent::ItemAnnounced { response: response(n), item: item(n) });
        let text = Personal::new("Yes, of course.");
        self.model(ModelEvent::AgentText { item: item(n), text, audio_bytes: 960 });
        self.tell(Input::Media(Notice::Sent {
            item: item(n),
            from: 0,
            bytes: 960,
            at: Micros::ZERO,
        }));
        self.model(ModelEvent::ItemFinished { item: item(n), audio_bytes: 960 });
        self.model(ModelEvent::ResponseFinished {
            response: response(n),
            completed: true,
            error: None,
            usage: None,
        });
        self.tell(Input::Media(Notice::Delivered { item: item(n) }));
        self.tell(Input::Media(Notice::Played { item: item(n), bytes: 960 }));
    }

    fn turn(&mut self, n: u32) {
        self.model(ModelEvent::SpeechStarted);
        self.model(ModelEvent::SpeechStopped);
        let caller = ItemId::parse(&format!("caller_{n}")).unwrap();
        let text = Personal::new("Are you open?");
        self.model(ModelEvent::CallerTranscript { item: caller, text });
        self.tell(Input::TurnEnded { utterances: 1 });
        self.answer(n);
    }

    /// A call whose greeting has been heard.
    fn conversing() -> Self {
        let settings = CallSettings {
            call_sid: CallSid::parse("CA0").unwrap(),
            stream_sid: StreamSid::parse("MZ0").unwrap(),
            tenant: Arc::new(tenant()),
            script: Script { greeting: "Hello.".to_owned(), ..Script::default() },
            tools: Vec::new(),
            kept_greeting_bytes: None,
            kept_sentences: BTreeMap::new(),
            providers: 1,
            costing: None,
        };
        let mut bench = Self { call: Call::new(settings, Micros::ZERO), now: Micros::ZERO };
        bench.tell(Input::Started);
        bench.model(ModelEvent::Ready);
        bench.answer(1);
        assert_eq!(bench.call.phase(), PhaseName::Conversation);
        bench
    }

    /// The same, in the middle of an answer.
    fn speaking() -> Self {
        let mut bench = Self::conversing();
        bench.turn(2);
        bench.model(ModelEvent::SpeechStarted);
        bench.model(ModelEvent::SpeechStopped);
        bench.tell(Input::TurnEnded { utterances: 1 });
        bench.model(ModelEvent::ResponseAnnounced { response: response(3) });
        bench.model(ModelEvent::ItemAnnounced { response: response(3), item: item(3) });
        bench.tell(Input::Media(Notice::Sent {
            item: item(3),
            from: 0,
            bytes: 960,
            at: Micros::ZERO,
        }));
        bench
    }
}

fn call(criterion: &mut Criterion) {
    criterion.bench_function("core, Notice::Sent", |b| {
        b.iter_batched_ref(
            Bench::speaking,
            |bench| {
                bench.tell(Input::Media(Notice::Sent {
                    item: item(3),
                    from: 0,
                    bytes: 960,
                    at: Micros::ZERO,
                }))
            },
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("core, Notice::Played", |b| {
        b.iter_batched_ref(
            Bench::speaking,
            |bench| bench.tell(Input::Media(Notice::Played { item: item(3), bytes: 960 })),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("core, a turn and its answer", |b| {
        b.iter_batched_ref(Bench::conversing, |bench| bench.turn(2), BatchSize::SmallInput);
    });
}

criterion_group!(benches, call);
criterion_main!(benches);

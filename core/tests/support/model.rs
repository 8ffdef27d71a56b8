//! The realtime model: it answers a request after a while, in bursts faster than
//! real time, and goes on for a moment after it was told to stop.

mod elsewhere;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use trunkline_core::call::ModelEvent;
use trunkline_core::ids::{ItemId, ResponseId, ToolCallId};
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::ClientEvent;

use super::settings::ms;

/// What a dial comes to.
#[derive(Clone, Debug)]
pub enum Dial {
    /// The session is configured after this long.
    Ready(Micros),
    /// Nothing ever comes.
    Hangs,
    /// The dial fails.
    Fails { after: Micros, retry: bool },
}

/// What the model does when it is asked for a response.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// A third of a second of audio for each word.
    pub text: &'static str,
    /// Tools called after the words.
    pub tools: Vec<(&'static str, &'static str)>,
    /// It never announces the response.
    pub never_announced: bool,
    /// It announces the response and then stays silent.
    pub mute: bool,
    /// It says the words and then nothing more, not even that it is done.
    pub stalls: bool,
    /// It refuses the request with an error, and nothing begins.
    pub refused: bool,
    /// Its words come so much later than their audio.
    pub text_lag: Micros,
    /// It breaks off by itself after the words.
    pub fails: Option<&'static str>,
    /// From the request to the first audio, when it is not the usual.
    pub latency: Option<Micros>,
}

impl Reply {
    pub fn says(text: &'static str) -> Self {
        Self { text, ..Self::default() }
    }

    pub fn calls(tools: &[(&'static str, &'static str)]) -> Self {
        Self { tools: tools.to_vec(), ..Self::default() }
    }

    pub fn with_tools(mut self, tools: &[(&'static str, &'static str)]) -> Self {
        self.tools = tools.to_vec();
        self
    }
}

/// Something that the model sends.
#[derive(Clone, Debug)]
pub enum Sends {
    Event(ModelEvent),
    Audio { response: String, item: String, tag: u8, bytes: u64 },
}

#[derive(Debug)]
struct Open {
    id: ResponseId,
    cancelled: bool,
    /// It was asked for, so that who asked knows of it.
    asked: bool,
    announced: bool,
}

/// When it was told to stop a response, and from when on nothing of that comes.
#[derive(Debug)]
struct Stopped {
    told_at: Micros,
    silent_from: Micros,
}

/// How much of an item the model was told that the caller has heard.
#[derive(Clone, Debug)]
pub struct Claim {
    pub at: Micros,
    pub item: ItemId,
    pub heard_ms: u64,
    /// It was to forget all of it, rather than to cut it.
    pub deleted: bool,
    /// It was there with so much audio; none where it was not, or was told as a text.
    pub had_ms: Option<u64>,
    pub was_text: bool,
}

/// Audio of one word.
const WORD_BYTES: u64 = 2_400;
/// From a request to its announcement.
const ANNOUNCE: Micros = ms(30);
/// From a request to the first audio.
const LATENCY: Micros = ms(300);
/// Between two bursts, each a word: five times real time.
const BURST: Micros = ms(60);
/// How long deltas still come after a cancellation.
const LATE: Micros = ms(70);

/// See the module's text.
#[derive(Debug, Default)]
pub struct Model {
    /// What the next dials come to; then ready after 200 ms.
    pub dials: VecDeque<Dial>,
    /// What the next responses are; then a short sentence.
    pub replies: VecDeque<Reply>,
    /// Everything that it was told.
    pub received: Vec<(Micros, ClientEvent)>,
    /// Which session; events of an older one never arrive.
    pub serial: u32,
    /// Whether the session is configured.
    pub ready: bool,
    /// Cancellations that it does not answer.
    pub ignores_cancel: bool,
    /// Items it has, with the audio of each in milliseconds.
    pub memory: Vec<(String, u64)>,
    /// How long it takes to end a response that was cancelled, when it is not the
    /// usual. Audio goes on until then.
    pub cancel_takes: Option<Micros>,
    /// Each so-many-th event is sent twice; 0 for none.
    pub doubles_every: u64,
    /// It begins and stops its responses by itself, by what it hears.
    pub decides: bool,
    /// What it was told of how much was heard.
    pub claims: Vec<Claim>,
    /// Events that came while its session was not ready.
    pub asked_in_vain: u32,
    /// Requests that were not its to serve: truncations of unknown audio.
    pub wrong_truncations: u32,
    /// Requests made while another response was open that nobody had cancelled.
    pub overlaps: u32,
    open: Option<Open>,
    /// Responses that it stopped.
    cancelled: BTreeMap<String, Stopped>,
    responses: u8,
    events: u64,
    told_as_text: BTreeSet<String>,
}

pub fn response_of(tag: u8) -> ResponseId {
    ResponseId::parse(&format!("resp_{tag}")).unwrap()
}

pub fn item_of(tag: u8) -> ItemId {
    ItemId::parse(&format!("item_{tag}")).unwrap()
}

impl Model {
    /// A new session begins.
    pub fn dialled(&mut self) -> Dial {
        self.renewed();
        self.dials.pop_front().unwrap_or(Dial::Ready(ms(200)))
    }

    /// The last response that it began, as the byte its audio is made of.
    pub fn last_tag(&self) -> u8 {
        self.responses
    }

    /// The session is gone, and what it would have said with it.
    pub fn dropped(&mut self) {
        self.serial += 1;
        self.ready = false;
        self.open = None;
    }

    /// It is told something at `now`; answers what it sends, and when.
    pub fn receive(&mut self, event: &ClientEvent, now: Micros) -> Vec<(Micros, Sends)> {
        self.note(event, now);
        match event {
            ClientEvent::CreateResponse { .. } => self.respond(now),
            ClientEvent::CancelResponse { response_id } => self.cancel(response_id.as_ref(), now),
            ClientEvent::TruncateItem { .. }
            | ClientEvent::DeleteItem { .. }
            | ClientEvent::CreateItem(_)
            | ClientEvent::SessionUpdate(_)
            | ClientEvent::CommitAudio
            | ClientEvent::ClearAudio => Vec::new(),
        }
    }

    /// Takes note of what it sends, as it arrives.
    pub fn sent(&mut self, sends: &Sends) {
        match sends {
            Sends::Event(ModelEvent::Ready) => self.ready = true,
            Sends::Event(ModelEvent::ResponseFinished { response, .. }) => {
                self.open.take_if(|open| open.id == *response);
            }
            Sends::Event(ModelEvent::ResponseAnnounced { response }) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.id == *response) {
                    open.announced = true;
                }
            }
            Sends::Event(ModelEvent::ItemAnnounced { item, .. }) => {
                self.memory.push((item.as_str().to_owned(), 0));
            }
            Sends::Audio { item, bytes, .. } => {
                if let Some((_, length)) = self.memory.iter_mut().find(|(id, _)| id == item) {
                    *length += bytes / 8;
                }
            }
            Sends::Event(_) => {}
        }
    }

    /// Whether it does not say this before its session is configured.
    pub fn is_deaf_to(&self, sends: &Sends) -> bool {
        let of_speech = matches!(
            sends,
            Sends::Event(
                ModelEvent::SpeechStarted
                    | ModelEvent::SpeechStopped
                    | ModelEvent::CallerPartial { .. }
                    | ModelEvent::CallerTranscript { .. }
            )
        );
        of_speech && !self.ready
    }

    /// Whether what was scheduled at `scheduled_at` does not come any more, because
    /// its response was cancelled since.
    pub fn withholds(&self, sends: &Sends, scheduled_at: Micros, now: Micros) -> bool {
        let stopped = response_in(sends).and_then(|response| self.cancelled.get(&response));
        stopped.is_some_and(|s| scheduled_at < s.told_at && now > s.silent_from)
    }

    /// The open response has ended here, and the news of it are on their way.
    pub fn ends_early(&mut self) {
        self.open = None;
    }

    fn respond(&mut self, now: Micros) -> Vec<(Micros, Sends)> {
        if let Some(open) = &self.open {
            let known = open.asked || open.announced;
            self.overlaps += u32::from(known && !open.cancelled);
            return vec![(now + ANNOUNCE, Sends::Event(ModelEvent::Busy))];
        }
        let reply = self.next_reply();
        self.begin(&reply, true, now)
    }

    /// What the next response is.
    pub fn next_reply(&mut self) -> Reply {
        let next = self.expected_reply();
        self.replies.pop_front();
        next
    }

    /// The same, as long as nothing has begun.
    pub fn expected_reply(&self) -> Reply {
        self.replies.front().cloned().unwrap_or(Reply::says("I see, go on please."))
    }

    /// It begins a response that nobody asked for.
    pub fn begin_unasked(&mut self, reply: &Reply, now: Micros) -> Vec<(Micros, Sends)> {
        self.begin(reply, false, now)
    }

    fn begin(&mut self, reply: &Reply, asked: bool, now: Micros) -> Vec<(Micros, Sends)> {
        if reply.never_announced {
            return Vec::new();
        }
        if reply.refused {
            let code = "rate_limit_exceeded".to_owned();
            return vec![(now + ANNOUNCE, Sends::Event(ModelEvent::Complaint { code }))];
        }
        self.responses += 1;
        let tag = self.responses;
        let response = response_of(tag);
        self.open = Some(Open { id: response.clone(), cancelled: false, asked, announced: false });
        let mut script = vec![(
            now + ANNOUNCE,
            Sends::Event(ModelEvent::ResponseAnnounced { response: response.clone() }),
        )];
        if reply.mute {
            return script;
        }
        let mut at = now + reply.latency.unwrap_or(LATENCY);
        speak(reply, tag, &mut at, &mut script);
        if reply.stalls {
            return script;
        }
        call_tools(reply, &response, at, &mut script);
        script.push((at + ms(5), Sends::Event(finished(response, reply.fails))));
        script
    }

    fn cancel(&mut self, id: Option<&ResponseId>, now: Micros) -> Vec<(Micros, Sends)> {
        let open = self.open.as_mut().filter(|o| id.is_none_or(|id| *id == o.id));
        let Some(open) = open.filter(|o| !o.cancelled) else {
            let code = "response_cancel_not_active".to_owned();
            return vec![(now + ms(20), Sends::Event(ModelEvent::Complaint { code }))];
        };
        open.cancelled = true;
        if self.ignores_cancel {
            return Vec::new();
        }
        let ended_at = now + self.cancel_takes.unwrap_or(LATE);
        let stopped = Stopped { told_at: now, silent_from: ended_at.since(NEWS) };
        self.cancelled.insert(open.id.as_str().to_owned(), stopped);
        let ended = finished(open.id.clone(), Some("client_cancelled"));
        vec![(ended_at, Sends::Event(ended))]
    }

    fn claim(&mut self, item: &ItemId, heard_ms: u64, deleted: bool, at: Micros) {
        let known = self.memory.iter().find(|(id, _)| id == item.as_str());
        let had_ms = known.map(|(_, length)| *length);
        let was_text = self.told_as_text.contains(item.as_str());
        self.claims.push(Claim { at, item: item.clone(), heard_ms, deleted, had_ms, was_text });
    }

    /// The response that it is giving and that was announced.
    pub fn is_saying(&self) -> Option<&ResponseId> {
        self.open.as_ref().filter(|o| o.announced && !o.cancelled).map(|o| &o.id)
    }

    /// Whether a response is open, cancelled or not.
    pub fn is_busy(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the next event is sent twice.
    pub fn says_twice(&mut self) -> bool {
        self.events += 1;
        self.doubles_every > 0 && self.events.is_multiple_of(self.doubles_every)
    }

    /// What it does by itself where turns are its own: it falls silent when the
    /// caller begins, and answers when the caller has ended.
    pub fn decide(&mut self, sends: &Sends, now: Micros) -> Vec<(Micros, Sends)> {
        match sends {
            Sends::Event(ModelEvent::SpeechStarted) if self.decides => {
                let Some(open) = self.open.as_mut().filter(|open| !open.cancelled) else {
                    return Vec::new();
                };
                open.cancelled = true;
                let ended_at = now + ANNOUNCE + NEWS;
                let stopped = Stopped { told_at: now, silent_from: now + ANNOUNCE };
                self.cancelled.insert(open.id.as_str().to_owned(), stopped);
                let ended = finished(open.id.clone(), Some("turn_detected"));
                vec![(ended_at, Sends::Event(ended))]
            }
            Sends::Event(ModelEvent::SpeechStopped) if self.decides && self.open.is_none() => {
                let reply = self.next_reply();
                self.begin(&reply, false, now)
            }
            Sends::Event(_) | Sends::Audio { .. } => Vec::new(),
        }
    }
}

/// How long before the news of its end a response that was stopped gives no more.
const NEWS: Micros = ms(10);

fn response_in(sends: &Sends) -> Option<String> {
    match sends {
        Sends::Audio { response, .. } => Some(response.clone()),
        Sends::Event(
            ModelEvent::AgentText { item, .. } | ModelEvent::ItemFinished { item, .. },
        ) => Some(item.as_str().replace("item", "resp")),
        Sends::Event(
            ModelEvent::ItemAnnounced { response, .. }
            | ModelEvent::FunctionCall { response, .. }
            | ModelEvent::ResponseFinished { response, .. },
        ) => Some(response.as_str().to_owned()),
        Sends::Event(_) => None,
    }
}

fn speak(reply: &Reply, tag: u8, at: &mut Micros, script: &mut Vec<(Micros, Sends)>) {
    if reply.text.is_empty() {
        return;
    }
    let (response, item) = (response_of(tag), item_of(tag));
    let announced = ModelEvent::ItemAnnounced { response: response.clone(), item: item.clone() };
    script.push((*at, Sends::Event(announced)));
    let mut audio_bytes = 0;
    for (index, word) in reply.text.split(' ').enumerate() {
        *at = *at + BURST;
        let space = if index == 0 { "" } else { " " };
        let text = Personal::new(format!("{space}{word}"));
        let audio = Sends::Audio {
            response: response.as_str().to_owned(),
            item: item.as_str().to_owned(),
            tag,
            bytes: WORD_BYTES,
        };
        script.push((*at, audio));
        audio_bytes += WORD_BYTES;
        let words = ModelEvent::AgentText { item: item.clone(), text, audio_bytes };
        script.push((*at + reply.text_lag, Sends::Event(words)));
    }
    *at = *at + reply.text_lag;
    if !reply.stalls {
        script.push((*at, Sends::Event(ModelEvent::ItemFinished { item, audio_bytes })));
    }
}

fn call_tools(reply: &Reply, response: &ResponseId, at: Micros, script: &mut Vec<(Micros, Sends)>) {
    for (index, (name, arguments)) in reply.tools.iter().enumerate() {
        let call_id = ToolCallId::parse(&format!("call_{}_{index}", response.as_str())).unwrap();
        script.push((
            at,
            Sends::Event(ModelEvent::FunctionCall {
                response: response.clone(),
                call_id,
                name: (*name).to_owned(),
                arguments: Personal::new(*arguments),
            }),
        ));
    }
}

fn finished(response: ResponseId, error: Option<&str>) -> ModelEvent {
    ModelEvent::ResponseFinished {
        response,
        completed: error.is_none(),
        error: error.map(str::to_owned),
        usage: None,
    }
}

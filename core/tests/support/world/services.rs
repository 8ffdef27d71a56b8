//! A pipeline in the world: what the machine wants done, and what the services tell.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::call::{Input, ModelEvent};
use trunkline_core::pipeline::{self, Heard, Question, Speech, Thought, Voiced};
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;
use trunkline_core::wire::chat::Message;
use trunkline_core::wire::realtime::ClientEvent;

use super::{Coming, World};
use crate::support::model::Dial;
use crate::support::services::{
    Answering, Asked, Health, Listening, REFUSED, Said, Script, Service, Tells, Utterance,
    agent_asked, chat_failed, frame, is_last, voice_given,
};
use crate::support::settings::{Plan, ms};

/// How a sentence is asked for that is said word for word.
const SAY_EXACTLY: &str = "Say exactly this, word for word, and nothing else: \"";

/// Which of the tenant's models is a pipeline.
pub(super) fn pipeline_of(plan: &Plan) -> Option<usize> {
    match plan.mode {
        Mode::Pipeline => Some(0),
        Mode::Realtime | Mode::Bridge => plan.takes_over.then_some(plan.providers),
    }
}

fn words(message: &Message) -> String {
    match message {
        Message::System { text } => format!("system: {text}"),
        Message::User { text } => format!("caller: {text}"),
        Message::Assistant { text, calls } => format!("agent: {text} ({} calls)", calls.len()),
        Message::Tool { output, .. } => format!("tool: {output}"),
    }
}

impl World {
    /// Whether the caller's audio is what is listened to.
    pub fn has_recogniser(&self) -> bool {
        self.mode == Mode::Pipeline || self.services.session.is_some()
    }

    pub(super) fn is_pipeline(&self, provider: usize) -> bool {
        self.mode == Mode::Pipeline || self.pipeline_of == Some(provider)
    }

    /// A session of services begins.
    pub(super) fn start_pipeline(&mut self, delay: Micros) {
        self.model.renewed();
        let now = self.now;
        self.services.begin(delay).pipeline.start(now);
        self.perform_session();
    }

    /// The session is told to end.
    pub(super) fn stop_session(&mut self) {
        if let Some(session) = &mut self.services.session {
            session.pipeline.stop();
            self.perform_session();
        }
        self.drop_session();
    }

    /// The session is gone, and what its services would have told.
    pub(super) fn drop_session(&mut self) {
        self.model.dropped();
        self.services.session = None;
    }

    /// The call wants something of the session.
    pub fn tell_session(&mut self, event: ClientEvent) {
        self.model.note(&event, self.now);
        let Some(session) = &mut self.services.session else {
            return;
        };
        if let ClientEvent::CreateResponse { instructions, .. } = &event {
            let set = |text: &String| text.starts_with(SAY_EXACTLY);
            session.wants_set = instructions.as_ref().is_some_and(set);
        }
        let event = session.names.inward(event);
        self.session_takes(pipeline::Input::Call(event));
    }

    pub(super) fn session_takes(&mut self, input: pipeline::Input) {
        if let Some(session) = &mut self.services.session {
            self.services.counter.input(&input);
            session.pipeline.handle(input, self.now);
            self.perform_session();
        }
    }

    pub(super) fn wake_session(&mut self) {
        let due = self.services.poll_timeout().is_some_and(|at| at <= self.now);
        if let Some(session) = self.services.session.as_mut().filter(|_| due) {
            session.pipeline.handle_timeout(self.now);
            self.perform_session();
        }
    }

    fn perform_session(&mut self) {
        while let Some(output) =
            self.services.session.as_mut().and_then(|session| session.pipeline.poll_output())
        {
            self.perform_output(output);
        }
    }

    fn perform_output(&mut self, output: pipeline::Output) {
        use pipeline::Output as O;
        self.services.counter.output(&output);
        let Some(session) = &mut self.services.session else {
            return;
        };
        match output {
            O::Tell(event) => self.session_tells(event),
            O::Measured(_) => {}
            O::Speculated(speculation) => self.speculated(speculation),
            O::Release { request, response, item } => self.release(request, &response, &item),
            O::Dial { connection, provider, delay } => {
                self.dial_service(connection, provider, delay)
            }
            O::Hear(audio) => {
                let script = session.listening.hear(&audio, &self.services.utterances);
                self.service_will_tell(script);
            }
            O::GiveBack(frames) => {
                let frames = frames.iter().map(|frame| STANDARD.encode(frame)).collect();
                self.services.uplink.give_back(frames);
            }
            O::Ask(question) => self.ask_agent(&question),
            O::Speak(speech) => self.ask_voice(&speech),
            O::StopAsking { request } => {
                session.thinking.take_if(|thinking| *thinking == request);
            }
            O::Hush { request } => {
                session.speaking.take_if(|speaking| *speaking == request);
                self.services.held.remove(&request);
            }
            O::FinishItem { item, .. } => {
                let item = session.names.item(&item);
                self.downlink.finish(item.as_str());
            }
            O::FinishResponse { response } => {
                let response = session.names.response(&response);
                self.downlink.finish_response(response.as_str());
            }
        }
    }

    /// The news are on their way to the call.
    fn session_tells(&mut self, event: ModelEvent) {
        self.model.overlaps += u32::from(event == ModelEvent::Busy);
        let Some(session) = &mut self.services.session else {
            return;
        };
        if let ModelEvent::ResponseAnnounced { response } = &event {
            session.names.begins(response, self.model.begins_elsewhere());
            let reply = self.model.next_reply();
            let asked = session.begun.take().is_some_and(|begun| begun.asked);
            session.answering = Some(Answering { reply, set: session.wants_set, asked });
        }
        let event = session.names.outward(event);
        let serial = self.model.serial;
        self.schedule(self.now, Coming::Session { serial, event });
    }

    pub(super) fn arrive_from_session(&mut self, event: ModelEvent) {
        self.model.ready |= event == ModelEvent::Ready;
        if is_last(&event) {
            self.drop_session();
        }
        self.tell(Input::Model(event));
        self.pump_uplink();
    }

    fn dial_service(&mut self, connection: u32, provider: usize, delay: Micros) {
        self.services.dialled.push(provider);
        let health = self.services.health(Service::Recogniser, provider);
        let Some(session) = &mut self.services.session else {
            return;
        };
        session.listening = Listening::new(connection, self.services.takes.recogniser);
        let delay = if connection == 1 { delay.max(session.delay) } else { delay };
        let lost = |retry| Heard::Lost { reason: "refused".to_owned(), retry };
        let (after, event) = match health {
            Health::Hangs => return,
            Health::Away => (REFUSED, lost(true)),
            Health::Well => match self.model.dials.pop_front().unwrap_or(Dial::Ready(ms(200))) {
                Dial::Hangs => return,
                Dial::Ready(after) => (after, Heard::Up),
                Dial::Fails { after, retry } => (after, lost(retry)),
            },
        };
        self.service_will_tell(vec![(delay + after, Tells::Heard { connection, event })]);
    }

    fn ask_agent(&mut self, question: &Question) {
        let Question { request, provider, .. } = *question;
        self.services.asked.push(provider);
        self.services.told = question.messages.iter().map(words).collect();
        let asked = Asked::new(question, self.now);
        let health = self.services.health(Service::Chat, provider);
        let first_token = self.services.takes.first_token;
        let Some(session) = &mut self.services.session else {
            return;
        };
        session.thinking = Some(request);
        let answering = session.begun.as_mut().or(session.answering.as_mut());
        let script = match (&self.services.answers, answering) {
            (Some(answers), _) if health == Health::Well => {
                asked.answer(request, answers, first_token)
            }
            (_, Some(answering)) => agent_asked(request, answering, first_token, health),
            (_, None) => Vec::new(),
        };
        self.services.questions.push(asked);
        self.service_will_tell(script);
    }

    fn ask_voice(&mut self, speech: &Speech) {
        let Speech { request, provider: voice, .. } = *speech;
        let text = speech.text.expose().to_owned();
        let health = self.services.health(Service::Voice, voice);
        let takes = self.services.takes;
        let Some(session) = &mut self.services.session else {
            return;
        };
        session.names.belongs(&speech.response, &speech.item);
        session.speaking = Some(request);
        let answering = session.begun.as_ref().or(session.answering.as_ref());
        let script = voice_given(request, &text, answering, takes, health);
        self.services.said.push(Said { voice, text, request, bytes: 0, place: None });
        self.service_will_tell(script);
    }

    fn service_will_tell(&mut self, script: Script) {
        let serial = self.model.serial;
        for (after, tells) in script {
            self.schedule(self.now + after, Coming::Service { serial, tells });
        }
    }

    pub(super) fn service_tells(&mut self, tells: Tells) {
        let Some(session) = &mut self.services.session else {
            return;
        };
        if tells.request().is_some_and(|request| session.broken.contains(&request)) {
            return;
        }
        match tells {
            Tells::Heard { connection, event } => {
                let ended = matches!(event, Heard::Final { ends: true, .. });
                let present = session.listening.connection == connection;
                let on = ended && present && session.listening.goes_on(&self.services.utterances);
                self.session_takes(pipeline::Input::Heard { connection, event });
                if on {
                    let event = Heard::SpeechStarted;
                    self.session_takes(pipeline::Input::Heard { connection, event });
                }
                self.pump_uplink();
            }
            Tells::Endpoint { connection, utterance } => {
                if session.listening.connection == connection {
                    let told = session.listening.endpoint(utterance, &self.services.utterances);
                    self.service_will_tell(vec![told]);
                }
            }
            Tells::Thought { request, event } => {
                if !matches!(event, Thought::Text(_) | Thought::Call(_)) {
                    session.thinking.take_if(|thinking| *thinking == request);
                }
                self.session_takes(pipeline::Input::Thought { request, event });
            }
            Tells::Sound { request, bytes } => self.voice_sounds(request, bytes),
            Tells::SpeechEnded { request } => {
                session.speaking.take_if(|speaking| *speaking == request);
                self.session_takes(pipeline::Input::Voiced { request, event: Voiced::Finished });
            }
            Tells::SpeechFailed { request } => self.voice_failed(request),
        }
        self.pump();
    }

    fn voice_failed(&mut self, request: u32) {
        let event = Voiced::Failed { reason: "it broke".to_owned(), retry: true };
        self.session_takes(pipeline::Input::Voiced { request, event });
    }

    /// Audio goes to the media path, and its length to the machine.
    fn voice_sounds(&mut self, request: u32, bytes: u64) {
        let pipeline = self.services.session.as_ref().map(|session| &session.pipeline);
        let held = pipeline.is_some_and(|pipeline| pipeline.holds(request));
        let wanted = pipeline.and_then(|pipeline| pipeline.spoken_by(request));
        match wanted {
            Some((response, item)) => self.hand_over(request, (&response, &item), bytes),
            None if held => self.hold(request, bytes),
            None => return,
        }
        self.session_takes(pipeline::Input::Voiced { request, event: Voiced::Audio { bytes } });
    }

    /// The caller says something that is in his audio from now on.
    pub fn caller_utters(&mut self, utterance: Utterance) {
        let number = u16::try_from(self.services.utterances.len()).unwrap();
        for index in 0..utterance.frames {
            let frame = frame(number, u16::try_from(index).unwrap());
            let at = self.now + Micros(ms(20).0 * index as u64);
            self.schedule(at, Coming::Frame(frame));
        }
        self.services.utterances.push(utterance);
    }

    pub(super) fn caller_frame(&mut self, frame: &[u8]) {
        self.services.uplink.push(&STANDARD.encode(frame));
        self.pump_uplink();
    }

    pub(super) fn pump_uplink(&mut self) {
        while self.services.session.is_some()
            && let Some(frame) = self.services.uplink.pop()
        {
            self.session_takes(pipeline::Input::Audio(STANDARD.decode(frame).unwrap()));
        }
    }

    /// How a service is from now on; where no number says which, all of its kind.
    pub fn service_is(&mut self, service: Service, which: Option<usize>, health: Health) {
        let all = which.map_or(0..8, |which| which..which + 1);
        self.services.health.extend(all.map(|number| ((service, number), health)));
    }

    /// The connection that a service is working on breaks. Answers whether there is one.
    pub fn break_off(&mut self, service: Service) -> bool {
        let Some(session) = &mut self.services.session else {
            return false;
        };
        let connection = session.listening.connection;
        match service {
            Service::Recogniser => {
                let event = Heard::Lost { reason: "reset".to_owned(), retry: true };
                self.service_tells(Tells::Heard { connection, event });
            }
            Service::Chat => {
                let Some(request) = session.thinking.take() else {
                    return false;
                };
                let event = chat_failed("reset");
                self.service_tells(Tells::Thought { request, event });
                self.breaks(request);
            }
            Service::Voice => {
                let Some(request) = session.speaking.take() else {
                    return false;
                };
                self.service_tells(Tells::SpeechFailed { request });
                self.breaks(request);
            }
        }
        true
    }

    fn breaks(&mut self, request: u32) {
        if let Some(session) = &mut self.services.session {
            session.broken.insert(request);
        }
    }

    /// Audio of a response of which nothing is wanted any more comes all the same.
    pub(super) fn late_sound(&mut self, tag: u8, bytes: u64) {
        let session = self.services.session.as_ref().expect("a session");
        let last = self.services.said.last().expect("something was said").request;
        if session.pipeline.spoken_by(last).is_some_and(|(r, _)| session.names.tag(&r) == Some(tag))
        {
            self.voice_sounds(last, bytes);
        } else {
            // Nobody takes it.
            self.service_tells(Tells::Sound { request: last, bytes });
        }
    }
}

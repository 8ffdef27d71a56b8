//! The pipeline's actor: drives the machine, and owns the services' tasks.

use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::fut::{ActorFuture, wrap_future};
use actix::{Actor, ActorContext as _, AsyncContext as _, Context, SpawnHandle, StreamHandler};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use trunkline_core::audio::chunk::decoded_len;
use trunkline_core::call::ModelEvent;
use trunkline_core::media::Phrase;
use trunkline_core::pipeline::{
    Heard, Input, Output, Pipeline, PipelineSettings, Question, Speech, Voiced,
};
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::SessionConfig;

use crate::call::{CallActor, CallMessage};
use crate::media_link::MediaLink;
use crate::message::{Link, Shell};
use crate::metrics;
use crate::phrases::PhraseCache;
use crate::realtime_session::SessionMessage;
use crate::tree::Probe;

use super::services::{Happened, MOST_WAITING_FRAMES, hear, replay, speak, think};
use super::target::PipelineTarget;

/// Events of the services that may wait: a voice is read no faster than this.
const MOST_WAITING: usize = 64;

/// Longest that goodbyes to the services may take.
const CLOSE_PATIENCE: Duration = Duration::from_millis(250);

/// What a session needs to begin.
pub struct PipelinePlan {
    /// Where the services are.
    pub target: Arc<PipelineTarget>,
    /// What is asked of them.
    pub config: SessionConfig,
    /// Renderings that are kept.
    pub phrases: PhraseCache,
    /// How long to wait before dialling.
    pub delay: Micros,
    /// Tells this session's events from those of the one before it.
    pub serial: u32,
    /// Which of the tenant's models it is, from 0.
    pub provider: usize,
    /// Whether the cheaper language models are asked.
    pub economises: bool,
}

/// How long the recognisers wait before they say that the caller stopped.
fn silence_of(config: &SessionConfig) -> Micros {
    let ms = config.turn_detection.as_ref().map_or(0, |detection| detection.silence_duration_ms);
    Micros::from_millis(ms.into())
}

/// See the module's text.
pub struct PipelineSession {
    probe: Arc<Probe>,
    call: Link<CallActor>,
    media: Rc<MediaLink>,
    plan: PipelinePlan,
    machine: Pipeline,
    happened: (Sender<Happened>, Option<Receiver<Happened>>),
    /// The way to the recogniser.
    audio: Option<(u32, Sender<Vec<u8>>)>,
    /// Requests that run, by number.
    requests: HashMap<u32, SpawnHandle>,
    /// Audio that may not be heard yet, by request: a sentence at most.
    held: HashMap<u32, Vec<String>>,
    recogniser: Option<SpawnHandle>,
    timer: Option<(Micros, SpawnHandle)>,
    /// Nothing is told any more.
    over: bool,
}

impl PipelineSession {
    /// A session that has yet to begin.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        call: Link<CallActor>,
        media: Rc<MediaLink>,
        plan: PipelinePlan,
    ) -> Self {
        let (tell, happened) = channel(MOST_WAITING);
        media.usage().begin_session(plan.provider);
        let machine = Pipeline::new(PipelineSettings {
            serial: plan.serial,
            instructions: plan.config.instructions.clone(),
            tools: plan.config.tools.clone(),
            recognisers: plan.target.recognisers.len(),
            agents: plan.target.agents.len(),
            voices: plan.target.voices.len(),
            history_tokens: plan.target.history_tokens,
            speculate: plan.target.speculate,
            silence: silence_of(&plan.config),
        });
        Self {
            probe,
            call,
            media,
            plan,
            machine,
            happened: (tell, Some(happened)),
            audio: None,
            requests: HashMap::new(),
            held: HashMap::new(),
            recogniser: None,
            timer: None,
            over: false,
        }
    }

    fn step(&mut self, input: Input, context: &mut Context<Self>) {
        let now = self.media.clock().now();
        self.media.usage().input(&input);
        self.machine.handle(input, now);
        self.perform_all(now, context);
    }

    fn perform_all(&mut self, now: Micros, context: &mut Context<Self>) {
        while let Some(output) = self.machine.poll_output() {
            self.perform(output, context);
        }
        self.arm(now, context);
    }

    fn perform(&mut self, output: Output, context: &mut Context<Self>) {
        if !self.is_kept(&output) {
            self.media.usage().output(&output);
        }
        match output {
            Output::Tell(event) => self.tell(event, context),
            Output::Measured(measure) => metrics::of_pipeline(measure),
            Output::Dial { connection, provider, delay } => {
                self.dial(connection, provider, delay, context);
            }
            Output::Hear(audio) => self.hear(audio),
            Output::GiveBack(frames) => self.give_back(&frames),
            Output::Ask(question) => self.ask(*question, context),
            Output::Speak(speech) => self.speak(*speech, context),
            Output::StopAsking { request } | Output::Hush { request } => {
                if let Some(task) = self.requests.remove(&request) {
                    context.cancel_future(task);
                }
                self.held.remove(&request);
            }
            Output::Release { request, response, item } => {
                for payload in self.held.remove(&request).unwrap_or_default() {
                    self.media.push_agent(response.as_str(), item.as_str(), &payload);
                }
            }
            Output::Speculated(speculation) => {
                metrics::of_speculation(speculation, self.media.usage().take_waste());
            }
            Output::FinishItem { response, item } => {
                self.media.finish_agent(response.as_str(), item.as_str());
            }
            Output::FinishResponse { response } => {
                self.media.downlink().finish_response(response.as_str());
                self.media.wake_down();
            }
        }
    }

    /// Whether it is a sentence that no voice is asked for, and so costs nothing.
    fn is_kept(&self, output: &Output) -> bool {
        if let Output::Speak(speech) = output {
            return self.kept(speech).is_some();
        }
        false
    }

    fn kept(&self, speech: &Speech) -> Option<Phrase> {
        let voices = &self.plan.target.voices;
        let voice = voices.get(speech.provider).or(voices.last())?;
        self.plan.phrases.get(&voice.voice, speech.text.expose())
    }

    fn tell(&mut self, event: ModelEvent, context: &mut Context<Self>) {
        if self.over {
            return;
        }
        if matches!(event, ModelEvent::Lost { .. }) {
            self.over = true;
            self.probe.fail();
            context.stop();
        }
        self.call.tell(CallMessage::Model { serial: self.plan.serial, event: Box::new(event) });
    }

    fn dial(
        &mut self,
        connection: u32,
        provider: usize,
        delay: Micros,
        context: &mut Context<Self>,
    ) {
        let recognisers = &self.plan.target.recognisers;
        let Some(target) = recognisers.get(provider).or(recognisers.last()).cloned() else {
            return;
        };
        // The first connection also waits for what the call said.
        let delay = if connection == 1 { delay.max(self.plan.delay) } else { delay };
        let (audio, frames) = channel(MOST_WAITING_FRAMES);
        self.audio = Some((connection, audio));
        let tell = self.happened.0.clone();
        let task = hear(target, (connection, delay), frames, tell);
        let task = context.spawn(wrap_future(Box::pin(task)));
        if let Some(before) = self.recogniser.replace(task) {
            context.cancel_future(before);
        }
    }

    fn hear(&mut self, frame: Vec<u8>) {
        let Some((connection, audio)) = &self.audio else {
            return;
        };
        if audio.try_send(frame).is_err() {
            let reason = "the recogniser takes no audio".to_owned();
            let event = Heard::Lost { reason, retry: true };
            let lost = Happened::Heard { connection: *connection, event };
            // Where even that does not fit, the task's own end tells it.
            drop(self.happened.0.try_send(lost));
        }
    }

    /// The next session hears what this one could not have heard.
    fn give_back(&self, frames: &[Vec<u8>]) {
        let frames = frames.iter().map(|frame| STANDARD.encode(frame)).collect();
        self.media.uplink().give_back(frames);
    }

    fn ask(&mut self, question: Question, context: &mut Context<Self>) {
        let Question { request, provider, messages, tools } = question;
        let agents = &self.plan.target.agents;
        let Some(mut target) = agents.get(provider).or(agents.last()).cloned() else {
            return;
        };
        if self.plan.economises
            && let Some(cheaper) = target.budget_model.take()
        {
            target.model = cheaper;
        }
        let task = think(target, request, (messages, tools), self.happened.0.clone());
        self.requests.insert(request, context.spawn(wrap_future(Box::pin(task))));
    }

    fn speak(&mut self, speech: Speech, context: &mut Context<Self>) {
        let kept = self.kept(&speech);
        let Speech { request, provider, text, .. } = speech;
        let voices = &self.plan.target.voices;
        let Some(target) = voices.get(provider).or(voices.last()).cloned() else {
            return;
        };
        let tell = self.happened.0.clone();
        let task = match kept {
            Some(phrase) => context.spawn(wrap_future(Box::pin(replay(request, phrase, tell)))),
            None => {
                let text = text.expose().to_owned();
                context.spawn(wrap_future(Box::pin(speak(target, request, text, tell))))
            }
        };
        self.requests.insert(request, task);
    }

    /// A kept rendering goes to the media path as it is, or is held.
    fn sound_kept(&mut self, request: u32, phrase: &Phrase, context: &mut Context<Self>) {
        let lengths = phrase.chunks().filter_map(|chunk| self.pass_on(request, chunk));
        let Some(bytes) = lengths.reduce(|all, bytes| all + bytes) else {
            return;
        };
        self.step(Input::Voiced { request, event: Voiced::Audio { bytes } }, context);
    }

    /// Audio goes to the media path, or is held, and its length to the machine.
    fn sound(&mut self, request: u32, audio: &[u8], context: &mut Context<Self>) {
        if let Some(bytes) = self.pass_on(request, &STANDARD.encode(audio)) {
            self.step(Input::Voiced { request, event: Voiced::Audio { bytes } }, context);
        }
    }

    /// Answers the length of the audio; nothing where nobody wants it any more.
    fn pass_on(&mut self, request: u32, payload: &str) -> Option<u64> {
        if self.machine.holds(request) {
            self.held.entry(request).or_default().push(payload.to_owned());
            return Some(decoded_len(payload) as u64);
        }
        let (response, item) = self.machine.spoken_by(request)?;
        Some(self.media.push_agent(response.as_str(), item.as_str(), payload))
    }

    fn arm(&mut self, now: Micros, context: &mut Context<Self>) {
        let due = self.machine.poll_timeout();
        if let Some((at, timer)) = self.timer {
            if due == Some(at) {
                return;
            }
            context.cancel_future(timer);
            self.timer = None;
        }
        if let Some(at) = due {
            let timer = context.run_later(at.since(now).into(), Self::wake);
            self.timer = Some((at, timer));
        }
    }

    fn wake(&mut self, context: &mut Context<Self>) {
        self.timer = None;
        let now = self.media.clock().now();
        self.machine.handle_timeout(now);
        self.perform_all(now, context);
    }

    fn leave(&mut self, context: &mut Context<Self>) {
        self.over = true;
        self.machine.stop();
        while let Some(output) = self.machine.poll_output() {
            self.perform(output, context);
        }
        for (_, task) in self.requests.drain() {
            context.cancel_future(task);
        }
        // Its task says goodbye when there is no more audio.
        self.audio = None;
        context.run_later(CLOSE_PATIENCE, |_, context| context.stop());
    }
}

impl Actor for PipelineSession {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Some(mut happened) = self.happened.1.take() {
            context.add_stream(stream::poll_fn(move |task| happened.poll_recv(task)));
        }
        context.spawn(Pump { media: Rc::clone(&self.media) });
        let now = self.media.clock().now();
        self.machine.start(now);
        self.perform_all(now, context);
    }
}

impl StreamHandler<Happened> for PipelineSession {
    fn handle(&mut self, happened: Happened, context: &mut Self::Context) {
        if self.over {
            return;
        }
        let probe = Arc::clone(&self.probe);
        probe.handle_frame(|| match happened {
            Happened::Heard { connection, event } => {
                self.step(Input::Heard { connection, event }, context);
            }
            Happened::Thought { request, event } => {
                self.step(Input::Thought { request, event }, context);
            }
            Happened::Sound { request, audio } => self.sound(request, &audio, context),
            Happened::Kept { request, phrase } => self.sound_kept(request, &phrase, context),
            Happened::SpeechEnded { request } => {
                self.requests.remove(&request);
                self.step(Input::Voiced { request, event: Voiced::Finished }, context);
            }
            Happened::SpeechFailed { request, reason, retry } => {
                self.requests.remove(&request);
                let event = Voiced::Failed { reason, retry };
                self.step(Input::Voiced { request, event }, context);
            }
        });
    }
}

impl Shell for PipelineSession {
    type Message = SessionMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: SessionMessage, context: &mut Self::Context) {
        match message {
            SessionMessage::Send(_) | SessionMessage::Speculate if self.over => {}
            SessionMessage::Send(event) => self.step(Input::Call(*event), context),
            SessionMessage::Speculate => self.step(Input::Speculate, context),
            SessionMessage::Stop => self.leave(context),
            // Nobody asks: each service's client has a patience of its own.
            SessionMessage::Look => {}
            SessionMessage::Economise => self.plan.economises = true,
        }
    }
}

crate::receives_letters!(PipelineSession);

/// Takes the caller's frames whenever the session's task is woken.
struct Pump {
    media: Rc<MediaLink>,
}

impl ActorFuture<PipelineSession> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        session: &mut PipelineSession,
        context: &mut Context<PipelineSession>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        if session.over {
            // The waker is the next session's.
            return Poll::Pending;
        }
        self.media.register_up(task.waker());
        loop {
            let frame = self.media.uplink().pop();
            let Some(frame) = frame else {
                return Poll::Pending;
            };
            if let Ok(audio) = STANDARD.decode(frame) {
                session.step(Input::Audio(audio), context);
            }
        }
    }
}

//! One media stream as the carrier runs it, apart from its socket: every 20 ms
//! a tick, now and then a message from the server, and what is to be sent in
//! answer to both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use bytestring::ByteString;
use trunkline_core::audio::{FRAME_BYTES, g711};
use trunkline_core::time::Micros;
use trunkline_core::wire::twilio::carrier::{Command, parse_command};

use super::director::{Act, Director, Senses, Told};
use super::event::{EventKind, Teller};
use super::hearing::{Hearing, Turned};
use super::level::SILENCE;
use super::playback::Playback;
use super::recorder::Recorder;
use super::reply::Waiting;
use super::report::{ClipRecord, Interruption, MarkRecord, StreamEnd, StreamReport};
use super::script::Fault;
use super::talker::{Spoke, Talker};
use super::wire::Wire;
use crate::barge_in::Room;

/// Most marks of one stream that are kept one by one.
const MAX_MARKS: usize = 1_000;

/// Most recordings of one stream that are kept one by one.
const MAX_CLIPS: usize = 1_000;

/// Most answers of one stream that are kept one by one.
const MAX_REPLIES: usize = 1_000;

/// Longest description of an invalid command that is kept, in characters.
const MAX_INVALID_CHARS: usize = 300;

/// What no carrier sends.
const GARBAGE: [&str; 6] = [
    "",
    "{",
    "not JSON",
    "[1,2,3]",
    r#"{"event":"media"}"#,
    r#"{"event":"media","sequenceNumber":"-1","media":{"track":"inbound","chunk":"x","timestamp":null,"payload":"!!!"}}"#,
];

/// A message for the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// Audio, which is thrown away when the server does not read.
    Media(ByteString),
    /// Anything else.
    Control(ByteString),
    /// A frame that no carrier sends.
    Binary(Bytes),
}

/// What a stream shares with its call.
pub(super) struct Shared<'a> {
    pub(super) director: &'a mut Director,
    pub(super) told: &'a Told,
    pub(super) teller: &'a mut Teller,
}

/// How a stream is to run.
pub(super) struct Setup {
    pub(super) talker: Talker,
    pub(super) echo: Option<Room>,
    pub(super) recorder: Option<Recorder>,
    /// Opens the stream and never sends `start`.
    pub(super) never_starts: bool,
    /// When the caller hangs up at the latest.
    pub(super) deadline: Micros,
}

/// A stream under way.
pub(super) struct Session<'a> {
    shared: Shared<'a>,
    setup: Setup,
    wire: Wire,
    playback: Playback,
    hearing: Hearing,
    clip: Option<String>,
    /// Who waits for an answer, and since when.
    waiting: Waiting,
    /// The interruption that waits for its clear.
    interrupting: Option<usize>,
    silent: bool,
    began: Micros,
    last_media: Option<Micros>,
    frame: [u8; FRAME_BYTES],
    /// What the phone played last.
    heard: [u8; FRAME_BYTES],
    audio: Vec<u8>,
    echoes: Vec<String>,
    /// Messages to be sent, in order; emptied by the socket's owner.
    pub(super) outbox: Vec<Out>,
    /// What happened so far.
    pub(super) report: StreamReport,
    /// Set once the stream is over from the carrier's side.
    pub(super) ended: Option<StreamEnd>,
}

impl<'a> Session<'a> {
    /// The stream is open: `connected` and `start` go out.
    pub(super) fn begin(
        shared: Shared<'a>,
        setup: Setup,
        wire: Wire,
        parameters: &[(String, String)],
        report: StreamReport,
        now: Micros,
    ) -> Self {
        let mut session = Self {
            silent: setup.never_starts,
            began: now,
            last_media: None,
            shared,
            setup,
            wire,
            playback: Playback::default(),
            hearing: Hearing::default(),
            clip: None,
            waiting: Waiting::default(),
            interrupting: None,
            frame: [0; FRAME_BYTES],
            heard: [SILENCE; FRAME_BYTES],
            audio: Vec::new(),
            echoes: Vec::new(),
            outbox: Vec::new(),
            report,
            ended: None,
        };
        let connected = session.wire.connected();
        session.outbox.push(Out::Control(connected));
        if !session.silent {
            let start = session.wire.start(parameters);
            session.outbox.push(Out::Control(start));
            session.report.started_at_ms = Some(now.as_millis());
            session.tell(now, EventKind::StreamStarted);
        }
        session
    }

    /// Twenty milliseconds have passed.
    pub(super) fn tick(&mut self, now: Micros) {
        if now >= self.setup.deadline {
            return self.end(StreamEnd::DurationReached);
        }
        self.hear(now);
        self.act(now);
        self.speak(now);
    }

    /// The caller hears the next frame.
    fn hear(&mut self, now: Micros) {
        let played = self.playback.tick(now, &mut self.frame, &mut self.echoes);
        self.send_echoes(now, false);
        if let Some(recorder) = &mut self.setup.recorder {
            recorder.heard(&self.frame);
        }
        self.heard = self.frame;
        match self.hearing.note(played.audible, now) {
            Some(Turned::Speaking) => {
                if let Some(started) = self.report.started_at_ms {
                    self.report
                        .first_audio_ms
                        .get_or_insert(now.as_millis().saturating_sub(started));
                }
                self.tell(now, EventKind::AgentSpeaks);
            }
            Some(Turned::Quiet(stretch)) => {
                self.report.utterances.push(stretch);
                self.interrupting = None;
                self.tell(now, EventKind::AgentQuiet);
            }
            None => {}
        }
    }

    /// The caller does what the script says.
    fn act(&mut self, now: Micros) {
        while self.ended.is_none() {
            let senses = Senses {
                now,
                heard_last: self.hearing.last,
                heard_since: self.hearing.since,
                talking: self.setup.talker.is_busy(),
            };
            let Some(act) = self.shared.director.next(&senses, self.shared.told) else {
                return;
            };
            match act {
                Act::Speak(clip) => {
                    self.setup.talker.say(&clip);
                    if self.report.clips.len() < MAX_CLIPS {
                        let (name, from_ms) = (clip.name.clone(), now.as_millis());
                        self.report.clips.push(ClipRecord { name, from_ms });
                    }
                    self.clip = Some(clip.name);
                }
                Act::Press(key) => self.press(key, now),
                Act::Hangup => self.end(StreamEnd::CallerHungUp),
                Act::Fault(Fault::Drop) => self.ended = Some(StreamEnd::Reset),
                Act::Fault(Fault::Stall) => self.silent = true,
                Act::Fault(Fault::Forge | Fault::NoStream | Fault::NeverStart) => {}
                Act::Fault(Fault::Garbage) => self.send_garbage(),
            }
        }
    }

    /// The next frame of the caller's audio goes out.
    fn speak(&mut self, now: Micros) {
        if self.ended.is_some() {
            return;
        }
        let mut filled = self.setup.talker.fill(&mut self.frame);
        if let Some(room) = &mut self.setup.echo {
            add_echo(&mut self.frame, &self.heard, room);
            filled = true;
        }
        if let Some(recorder) = &mut self.setup.recorder {
            recorder.said(&self.frame);
        }
        if !self.silent {
            let frame = if filled { Some(&self.frame) } else { None };
            let media = self.wire.media(frame);
            self.outbox.push(Out::Media(media));
            self.report.frames_sent += 1;
        }
        let spoke = self.setup.talker.spoke(&self.frame, now);
        if let Some(last) = self.setup.talker.last_audible().filter(|last| *last == now) {
            self.waiting.spoken(last, self.playback.is_idle());
        }
        match spoke {
            Some(Spoke::Began) => {
                if self.hearing.since.is_some() && !self.playback.is_idle() {
                    self.interrupting = Some(self.report.interruptions.len());
                    self.report.interruptions.push(Interruption {
                        at_ms: now.as_millis(),
                        cleared_after_ms: None,
                        playing: None,
                    });
                }
                let clip = self.clip.take();
                self.tell(now, EventKind::CallerSpeaks(clip));
            }
            Some(Spoke::Ended) => self.tell(now, EventKind::CallerQuiet),
            None => {}
        }
    }

    /// A text message came from the server.
    pub(super) fn text(&mut self, text: &str, now: Micros) {
        let command = match parse_command(text) {
            Ok(command) => command,
            Err(error) => return self.invalid(&format!("{error}: {text}")),
        };
        let stream_sid = match &command {
            Command::Media { stream_sid, .. }
            | Command::Mark { stream_sid, .. }
            | Command::Clear { stream_sid } => stream_sid,
        };
        if *stream_sid != self.report.stream_sid {
            return self.invalid(&format!("another stream's SID: {text}"));
        }
        match command {
            Command::Media { payload, .. } => self.media(&payload, now),
            Command::Mark { name, .. } => {
                self.report.marks_received += 1;
                self.playback.mark(&name, &mut self.echoes);
                self.send_echoes(now, false);
            }
            Command::Clear { .. } => self.clear(now),
        }
    }

    /// A binary message came from the server, which Twilio does not take.
    pub(super) fn binary(&mut self, bytes: usize) {
        self.invalid(&format!("a binary message of {bytes} bytes"));
    }

    fn media(&mut self, payload: &str, now: Micros) {
        self.audio.clear();
        if let Err(error) = STANDARD.decode_vec(payload, &mut self.audio) {
            return self.invalid(&format!("a payload that is no base64: {error}"));
        }
        self.report.first_media_us.get_or_insert(now.since(self.began).0);
        self.report.media_received += 1;
        if let Some(last) = self.last_media.replace(now) {
            self.report.gaps.record(now.since(last));
        }
        if let Some(reply) = self.waiting.answered(now)
            && self.report.replies.len() < MAX_REPLIES
        {
            self.report.replies.push(reply);
        }
        self.playback.media(&self.audio);
    }

    fn clear(&mut self, now: Micros) {
        let record = self.playback.clear(now, &mut self.echoes);
        let waiting = self.interrupting.take();
        let interruption = waiting.and_then(|place| self.report.interruptions.get_mut(place));
        let after_ms = interruption.map(|interruption| {
            let after_ms = record.at_ms.saturating_sub(interruption.at_ms);
            interruption.cleared_after_ms = Some(after_ms);
            interruption.playing = record.playing;
            after_ms
        });
        let dropped_ms = record.dropped_bytes / 8;
        self.tell(now, EventKind::Cleared { dropped_ms, after_ms });
        self.send_echoes(now, true);
    }

    fn press(&mut self, key: char, now: Micros) {
        self.report.keys.push(key);
        let message = self.wire.dtmf(key);
        self.send(message);
        self.tell(now, EventKind::Key(key));
    }

    fn send_echoes(&mut self, now: Micros, cleared: bool) {
        for name in std::mem::take(&mut self.echoes) {
            let message = self.wire.mark(&name);
            self.send(message);
            let count = if cleared {
                &mut self.report.marks_cleared
            } else {
                &mut self.report.marks_played
            };
            *count += 1;
            if self.report.marks.len() < MAX_MARKS {
                self.report.marks.push(MarkRecord { name, echoed_at_ms: now.as_millis(), cleared });
            }
        }
    }

    fn send_garbage(&mut self) {
        self.outbox.extend(GARBAGE.map(|text| Out::Control(ByteString::from_static(text))));
        self.outbox.push(Out::Binary(Bytes::from_static(&[0, 0xff, 0xfe, 1])));
    }

    fn send(&mut self, message: ByteString) {
        if !self.silent {
            self.outbox.push(Out::Control(message));
        }
    }

    /// The carrier ends the stream: `stop` goes out.
    fn end(&mut self, end: StreamEnd) {
        let stop = self.wire.stop();
        self.send(stop);
        self.ended = Some(end);
    }

    fn invalid(&mut self, problem: &str) {
        self.report.invalid_commands += 1;
        let short = || problem.chars().take(MAX_INVALID_CHARS).collect();
        self.report.first_invalid.get_or_insert_with(short);
    }

    fn tell(&mut self, now: Micros, kind: EventKind) {
        self.shared.teller.tell(now.as_millis(), kind);
    }

    /// The stream is over.
    pub(super) fn finish(
        mut self,
        end: StreamEnd,
        now: Micros,
    ) -> (StreamReport, Option<Recorder>) {
        self.tell(now, EventKind::StreamEnded);
        let mut report = self.report;
        report.utterances.extend(self.hearing.rest());
        report.end = end;
        report.ended_at_ms = now.as_millis();
        report.playback = self.playback.into_report();
        (report, self.setup.recorder)
    }
}

/// Puts the echo of what the phone plays onto what the caller sends.
fn add_echo(frame: &mut [u8; FRAME_BYTES], played: &[u8; FRAME_BYTES], room: &mut Room) {
    for (sample, played) in frame.iter_mut().zip(played) {
        let back = room.next(f32::from(g711::decode_sample(*played)) / 32_768.0) * 32_768.0;
        // A cast from float saturates, as a loud line does.
        *sample = g711::encode_sample((f32::from(g711::decode_sample(*sample)) + back) as i16);
    }
}

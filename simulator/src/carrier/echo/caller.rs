//! One caller whose frames are echoed.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytestring::ByteString;
use trunkline_core::time::Micros;
use trunkline_core::wire::twilio::carrier::{Command, parse_command};

use super::super::clock::{Clock, FRAME};
use super::super::report::{StreamEnd, StreamReport};
use super::super::wire::Wire;
use super::ear::Ear;
use super::meter::Meter;
use super::order::Order;
use super::stamp::{Reader, Stamp, Writer};
use crate::thin::{Connection, End, Event};

/// How long a caller waits for its last frames: longer than any round trip that
/// a conversation could bear.
const DRAIN: Micros = Micros::from_millis(1_000);

/// What one caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It sends stamped frames until then.
    Stamping(Micros),
    /// It sends silence, so that the server notices nothing, until then.
    Draining(Micros),
    Over(StreamEnd),
}

/// See the module's text.
pub(crate) struct Caller {
    connection: Connection,
    wire: Wire,
    meter: Rc<Meter>,
    clock: Clock,
    phase: Phase,
    order: Order,
    ear: Ear,
    writer: Writer,
    reader: Reader,
    /// A media message of this stream, up to its payload.
    media_head: String,
    started_us: u64,
    out: Vec<u8>,
    /// Who waits for the end.
    waker: Option<Waker>,
    report: StreamReport,
}

impl Caller {
    /// The stream is open: `connected` and `start` go out.
    pub(super) fn begin(
        connection: Connection,
        wire: Wire,
        parameters: &[(String, String)],
        (meter, clock): (Rc<Meter>, Clock),
        deadline: Micros,
        mut report: StreamReport,
    ) -> Self {
        report.started_at_ms = Some(clock.ms());
        let stream_sid = &report.stream_sid;
        let media_head =
            format!(r#"{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":""#);
        let mut caller = Self {
            connection,
            wire,
            started_us: meter.now_us(),
            meter,
            clock,
            phase: Phase::Stamping(deadline),
            order: Order::default(),
            ear: Ear::default(),
            writer: Writer::default(),
            reader: Reader::default(),
            media_head,
            out: Vec::new(),
            waker: None,
            report,
        };
        let (connected, start) = (caller.wire.connected(), caller.wire.start(parameters));
        caller.put(&connected);
        caller.put(&start);
        caller.send();
        caller
    }

    /// Does what is due every 20 ms; `false` once the caller is over.
    pub(super) fn tick(&mut self, late: Duration) -> bool {
        if matches!(self.phase, Phase::Over(_)) {
            return false;
        }
        self.meter.late(late);
        self.report.lateness.record(late);
        self.give_marks_back();
        self.turn_phase();
        if matches!(self.phase, Phase::Over(_)) {
            let stop = self.wire.stop();
            self.put(&stop);
        } else if self.connection.is_stuck() {
            self.report.frames_discarded += 1;
        } else {
            self.put_frame();
        }
        self.send();
        true
    }

    fn turn_phase(&mut self) {
        let now = self.clock.now();
        self.phase = match self.phase {
            Phase::Stamping(until) if now >= until => Phase::Draining(now + DRAIN),
            Phase::Draining(until) if now >= until => Phase::Over(StreamEnd::DurationReached),
            Phase::Stamping(_) | Phase::Draining(_) | Phase::Over(_) => return,
        };
    }

    fn put_frame(&mut self) {
        let payload = if matches!(self.phase, Phase::Stamping(_)) {
            let stamp = Stamp { number: self.order.send(), sent_us: self.meter.now_us() };
            self.writer.stamped(stamp)
        } else {
            self.writer.silence()
        };
        self.connection.text(&mut self.out, self.wire.payload(payload));
        self.report.frames_sent += 1;
    }

    fn give_marks_back(&mut self) {
        let Self { ear, wire, connection, out, report, .. } = self;
        ear.tick(|name| {
            connection.text(out, &wire.mark(name));
            report.marks_played += 1;
        });
    }

    fn put(&mut self, message: &ByteString) {
        self.connection.text(&mut self.out, message);
    }

    /// Everything that was put goes out in one write.
    fn send(&mut self) {
        if !self.out.is_empty() && !self.connection.send(&self.out) {
            self.phase = Phase::Over(StreamEnd::ServerVanished);
        }
        self.out.clear();
        if matches!(self.phase, Phase::Over(_))
            && let Some(waker) = self.waker.take()
        {
            waker.wake();
        }
    }

    /// Reads what comes; ready at the stream's end.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<StreamEnd> {
        if let Phase::Over(end) = self.phase {
            return Poll::Ready(end);
        }
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
        }
        let Self { connection, .. } = self;
        let now_us = self.meter.now_us();
        let mut heard = Heard {
            now_us,
            meter: &self.meter,
            order: &mut self.order,
            ear: &mut self.ear,
            reader: &mut self.reader,
            media_head: &self.media_head,
            started_us: self.started_us,
            wire: &mut self.wire,
            back: Vec::new(),
            report: &mut self.report,
        };
        let read = connection.poll_read(context, buffer, |event| match event {
            Event::Text(text) => heard.text(text),
            Event::Binary(bytes) => heard.invalid(&format!("a binary message of {bytes} bytes")),
        });
        for message in std::mem::take(&mut heard.back) {
            self.put(&message);
        }
        self.send();
        read.map(|end| {
            let end = match end {
                End::Closed => StreamEnd::ServerClosed,
                End::Vanished | End::Foreign => StreamEnd::ServerVanished,
            };
            self.phase = Phase::Over(end);
            end
        })
    }

    /// Says goodbye and answers what happened.
    pub(super) fn finish(&mut self, end: StreamEnd) -> StreamReport {
        self.phase = Phase::Over(end);
        self.connection.close(&mut self.out, 1_000);
        self.send();
        let mut report = std::mem::take(&mut self.report);
        report.end = end;
        report.ended_at_ms = self.clock.ms();
        report.echo = Some(self.order.counts());
        report
    }

    /// Whether any frame came back.
    pub(super) fn was_answered(&self) -> bool {
        self.order.has_begun()
    }

    /// How long to wait for the other side's close frame.
    pub(super) const fn goodbye() -> Duration {
        FRAME
    }
}

/// What a caller needs to take a message, apart from its socket.
struct Heard<'a> {
    now_us: u64,
    meter: &'a Meter,
    order: &'a mut Order,
    ear: &'a mut Ear,
    reader: &'a mut Reader,
    media_head: &'a str,
    started_us: u64,
    wire: &'a mut Wire,
    back: Vec<ByteString>,
    report: &'a mut StreamReport,
}

impl Heard<'_> {
    fn text(&mut self, text: &str) {
        // As nearly every message is written; the parser reads all others.
        let usual = text.strip_prefix(self.media_head).and_then(|rest| rest.strip_suffix("\"}}"));
        if let Some(payload) = usual {
            return self.media(payload);
        }
        let command = match parse_command(text) {
            Ok(command) => command,
            Err(error) => return self.invalid(&format!("{error}: {text}")),
        };
        match command {
            Command::Media { payload, .. } => self.media(&payload),
            Command::Mark { name, .. } => {
                self.report.marks_received += 1;
                if self.ear.mark(&name) {
                    self.back.push(self.wire.mark(&name));
                    self.report.marks_played += 1;
                }
            }
            Command::Clear { .. } => {
                let Self { ear, wire, back, report, .. } = self;
                ear.clear(|name| {
                    back.push(wire.mark(name));
                    report.marks_cleared += 1;
                });
            }
        }
    }

    fn media(&mut self, payload: &str) {
        let Self { now_us, meter, order, reader, .. } = self;
        let read = reader.read(payload, |stamp| {
            if order.take(stamp.number) {
                meter.round_trip(now_us.saturating_sub(stamp.sent_us));
            }
        });
        let Some(bytes) = read else {
            return self.invalid("a payload that is no base64");
        };
        let since_start = self.now_us.saturating_sub(self.started_us);
        self.report.first_media_us.get_or_insert(since_start);
        self.report.first_audio_ms.get_or_insert(since_start / 1_000);
        self.report.media_received += 1;
        self.ear.media(bytes);
    }

    fn invalid(&mut self, problem: &str) {
        self.report.invalid_commands += 1;
        self.report.first_invalid.get_or_insert_with(|| problem.chars().take(300).collect());
    }
}

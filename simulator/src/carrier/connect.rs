//! `<Connect><Stream>`: opens the stream, lets it run, and says what follows.

use super::call::{Call, Form, Page, sid};
use super::follow::{Next, form};
use super::recorder::Recorder;
use super::report::{Ended, StreamEnd, StreamReport};
use super::session::{Session, Setup, Shared};
use super::status::timestamp;
use super::stream;
use super::talker::{Talker, comfort_noise};
use super::twiml::Stream;
use super::wire::Wire;

/// Longest parameter, name and value together, in characters.
const MAX_PARAMETER_CHARS: usize = 500;

impl Call<'_> {
    /// Runs a stream; `None` when the next verb follows.
    pub(super) async fn connect(&mut self, noun: &Stream, page: &Page) -> Option<Next> {
        self.check(noun);
        let stream_sid = sid("MZ");
        let end = Box::pin(self.run_stream(noun, page, &stream_sid)).await;
        match end {
            StreamEnd::CallerHungUp => return Some(Next::End(Ended::Caller)),
            StreamEnd::DurationReached => return Some(Next::End(Ended::Duration)),
            StreamEnd::ServerClosed
            | StreamEnd::ServerVanished
            | StreamEnd::Reset
            | StreamEnd::NotOpened => {}
        }
        let action = noun.action.as_deref()?;
        // What Twilio adds here is not documented; a server must not need it.
        let extra = form(&[("StreamSid", &stream_sid)]);
        Some(self.fetch_next(page, Some(action), extra))
    }

    async fn run_stream(&mut self, noun: &Stream, page: &Page, stream_sid: &str) -> StreamEnd {
        let mut report = StreamReport {
            stream_sid: stream_sid.to_owned(),
            url: noun.url.clone(),
            ..StreamReport::default()
        };
        let account = &self.plan.account_sid;
        let wire = match Wire::new(stream_sid, account, &self.report.call_sid) {
            Ok(wire) => wire,
            Err(error) => {
                self.error(None, error.to_string());
                return self.keep(report);
            }
        };
        if self.plan.script.has_no_stream() {
            report.end = StreamEnd::CallerHungUp;
            return self.keep(report);
        }
        if let Some(load) = self.echo.clone() {
            return Box::pin(self.run_echo(load, noun, page, wire, report)).await;
        }
        let began_ms = self.clock.ms();
        let opening = self.line.open(&noun.url, self.plan.script.drops());
        let mut socket = match Box::pin(opening).await {
            Ok(socket) => socket,
            Err(error) => {
                let message = error.to_string();
                self.announce(noun, page, stream_sid, "stream-error", Some(&message));
                self.error(Some(error.code), message);
                return self.keep(report);
            }
        };
        report.open_ms = Some(self.clock.ms().saturating_sub(began_ms));
        self.report.setup_ms.get_or_insert(self.clock.ms());
        self.announce(noun, page, stream_sid, "stream-started", None);

        let setup = Setup {
            talker: Talker::new(self.plan.comfort_noise.then(comfort_noise)),
            echo: self.plan.echo.clone(),
            recorder: self.plan.save.as_ref().map(|_| Recorder::default()),
            never_starts: self.plan.script.never_starts(),
            deadline: self.deadline(),
        };
        let shared =
            Shared { director: &mut self.director, told: &self.told, teller: &mut self.teller };
        let clock = self.clock;
        let mut session =
            Session::begin(shared, setup, wire, &noun.parameters, report, clock.now());
        let end = Box::pin(stream::run(&mut socket, &mut session, clock)).await;
        drop(socket);
        let (report, recorder) = session.finish(end, clock.now());
        self.announce(noun, page, stream_sid, "stream-stopped", None);
        self.save(recorder.as_ref());
        self.judge(&report);
        self.keep(report)
    }

    /// What Twilio would log about a stream that has ended.
    pub(super) fn judge(&mut self, report: &StreamReport) {
        if report.end == StreamEnd::ServerVanished {
            self.error(Some(31_921), "the server closed the stream without a close frame".into());
        }
        if let Some(problem) = &report.first_invalid {
            let count = report.invalid_commands;
            self.warn(31_951, format!("{count} invalid messages, the first: {problem}"));
        }
        if report.frames_discarded > 0 {
            let count = report.frames_discarded;
            self.warn(31_930, format!("{count} frames discarded: the server reads too slowly"));
        }
    }

    pub(super) fn keep(&mut self, mut report: StreamReport) -> StreamEnd {
        let end = report.end;
        if end == StreamEnd::NotOpened {
            report.ended_at_ms = self.clock.ms();
        }
        self.report.streams.push(report);
        end
    }

    fn save(&mut self, recorder: Option<&Recorder>) {
        let (Some(recorder), Some(folder)) = (recorder, &self.plan.save) else {
            return;
        };
        let name = match self.report.streams.len() {
            0 => self.report.call_sid.clone(),
            earlier => format!("{}-{}", self.report.call_sid, earlier + 1),
        };
        if let Err(error) = recorder.save(folder, &name) {
            self.error(None, format!("cannot save the recording: {error}"));
        }
    }

    /// What Twilio says about a `<Stream>` that it cannot use as written.
    fn check(&mut self, noun: &Stream) {
        if noun.url.contains('?') {
            self.warn(31_920, "a stream's URL must have no query string".to_owned());
        }
        let long = |(name, value): &(String, String)| {
            name.chars().count() + value.chars().count() > MAX_PARAMETER_CHARS
        };
        if noun.parameters.iter().any(long) {
            self.warn(12_200, format!("a <Parameter> over {MAX_PARAMETER_CHARS} characters"));
        }
    }

    /// The stream's own status callback, where one is set.
    pub(super) fn announce(
        &mut self,
        noun: &Stream,
        page: &Page,
        stream_sid: &str,
        event: &str,
        error: Option<&str>,
    ) {
        let Some(url) = noun.status_callback.as_deref() else {
            return;
        };
        let mut extra: Form = form(&[
            ("AccountSid", &self.plan.account_sid),
            ("CallSid", &self.report.call_sid),
            ("StreamSid", stream_sid),
            ("StreamName", noun.name.as_deref().unwrap_or(stream_sid)),
            ("StreamEvent", event),
            ("Timestamp", &timestamp()),
        ]);
        if let Some(error) = error {
            extra.push(("StreamError".to_owned(), error.to_owned()));
        }
        self.courier.post(Self::resolve(page, url), extra);
    }
}

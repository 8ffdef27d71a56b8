//! Follows a TwiML document, verb by verb.

use std::time::Duration;

use trunkline_core::time::Micros;

use super::call::{Call, Form, Page, Request, sid};
use super::event::EventKind;
use super::plan::DialOutcome;
use super::report::{Dialled, Ended};
use super::twiml::{Dial, Gather, Verb};

/// Speed of the carrier's synthetic voice, in characters per second.
const SAY_CHARS_PER_S: u64 = 14;

/// How long somebody who answers a dialled call talks, in seconds.
const TALK_S: u64 = 10;

/// How long a caller who is asked for a message talks, in seconds.
const MESSAGE_S: u64 = 5;

/// What comes after a verb or a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another document.
    Fetch(Request),
    /// The end of the call.
    End(Ended),
}

impl Call<'_> {
    /// Follows a document until it leads elsewhere; its end is the call's end.
    pub(super) async fn follow(&mut self, page: &Page) -> Next {
        for (place, verb) in page.verbs.iter().enumerate() {
            let name = name(verb);
            self.report.verbs.push(name.to_owned());
            self.tell(EventKind::Verb(name.to_owned()));
            if let Verb::Reject { busy } = verb {
                if let Some(next) = self.reject(*busy, place) {
                    return next;
                }
                continue;
            }
            if !matches!(verb, Verb::Redirect(_) | Verb::Unknown(_)) {
                self.answer();
            }
            if let Some(next) = Box::pin(self.verb(verb, page)).await {
                return next;
            }
        }
        // An empty answer ends the call too.
        Next::End(Ended::FarEnd)
    }

    /// One verb; `None` when the next one follows.
    async fn verb(&mut self, verb: &Verb, page: &Page) -> Option<Next> {
        match verb {
            Verb::Say(_) | Verb::Play(_) | Verb::Pause(_) => {
                let seconds = self.speak(verb);
                self.dwell(seconds).await
            }
            Verb::Dial(dial) => Box::pin(self.dial(dial, page)).await,
            Verb::Gather(gather) => Box::pin(self.gather(gather, page)).await,
            Verb::Stream(stream) => Box::pin(self.connect(stream, page)).await,
            Verb::Record { action } => self.record(action.as_deref(), page).await,
            Verb::Redirect(url) => Some(self.fetch_next(page, Some(url), Form::new())),
            Verb::Hangup => Some(Next::End(Ended::FarEnd)),
            Verb::Reject { .. } => None,
            Verb::Unknown(name) => {
                self.error(Some(12_200), format!("<{name}> is no verb that is followed here"));
                None
            }
        }
    }

    fn reject(&mut self, busy: bool, place: usize) -> Option<Next> {
        if place > 0 || self.answered_at_ms.is_some() {
            self.error(Some(12_200), "<Reject> must be the first verb".to_owned());
            return None;
        }
        self.report.status = if busy { "busy" } else { "no-answer" };
        Some(Next::End(Ended::Rejected))
    }

    /// Notes what is spoken; how long it takes, in seconds.
    fn speak(&mut self, verb: &Verb) -> u64 {
        match verb {
            Verb::Say(text) => {
                self.told.said.push(text.clone());
                self.report.said.push(text.clone());
                let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                chars.div_ceil(SAY_CHARS_PER_S)
            }
            Verb::Play(url) => {
                self.report.played.push(url.clone());
                0
            }
            Verb::Pause(seconds) => *seconds,
            Verb::Dial(_)
            | Verb::Gather(_)
            | Verb::Stream(_)
            | Verb::Record { .. }
            | Verb::Redirect(_)
            | Verb::Reject { .. }
            | Verb::Hangup
            | Verb::Unknown(_) => 0,
        }
    }

    /// Lets a verb's time pass at the planned speed, unless the caller hangs up
    /// in it.
    async fn dwell(&mut self, seconds: u64) -> Option<Next> {
        let span = self.at_speed(Duration::from_secs(seconds));
        let left = Duration::from(self.deadline().since(self.clock.now()));
        let patience = self.director.hangs_up_after().map(|after| self.at_speed(after.into()));
        if let Some(patience) = patience.filter(|&patience| patience <= span.min(left)) {
            tokio::time::sleep(patience).await;
            return Some(Next::End(Ended::Caller));
        }
        tokio::time::sleep(span.min(left)).await;
        (left <= span).then_some(Next::End(Ended::Duration))
    }

    fn at_speed(&self, span: Duration) -> Duration {
        let speed = self.plan.verb_speed;
        if speed > 0.0 {
            Duration::try_from_secs_f64(span.as_secs_f64() / speed).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        }
    }

    async fn dial(&mut self, dial: &Dial, page: &Page) -> Option<Next> {
        let outcome = self.plan.dial;
        if dial.numbers.is_empty() {
            self.error(Some(13_223), "<Dial> has no number".to_owned());
        }
        for number in &dial.numbers {
            self.tell(EventKind::Dialled(number.clone()));
            self.told.dialled.push(number.clone());
            self.report.dialled.push(Dialled {
                number: number.clone(),
                caller_id: dial.caller_id.clone(),
                record: dial.record.clone(),
                status: outcome.status(),
                at_ms: self.clock.ms(),
            });
        }
        let (answered, seconds) = match outcome {
            DialOutcome::Answered => (true, TALK_S),
            DialOutcome::NoAnswer => (false, dial.timeout_s),
            DialOutcome::Busy | DialOutcome::Failed => (false, 1),
        };
        if let Some(end) = self.dwell(seconds).await {
            return Some(end);
        }
        let action = dial.action.as_deref()?;
        let mut extra = form(&[
            ("DialCallStatus", outcome.status()),
            ("DialCallSid", &sid("CA")),
            ("DialBridged", if answered { "true" } else { "false" }),
        ]);
        if answered {
            extra.push(("DialCallDuration".to_owned(), seconds.to_string()));
            if dial.record.as_deref().is_some_and(|record| record != "do-not-record") {
                let url = self.recording_of_dial(dial, page);
                extra.push(("RecordingUrl".to_owned(), url));
            }
        }
        Some(self.fetch_next(page, Some(action), extra))
    }

    async fn gather(&mut self, gather: &Gather, page: &Page) -> Option<Next> {
        let mut prompt_s = 0_u64;
        for prompt in &gather.prompts {
            self.report.verbs.push(format!("Gather/{}", name(prompt)));
            prompt_s = prompt_s.saturating_add(self.speak(prompt));
        }
        // Keys may come while the prompts are spoken, which they cut short.
        let patience_s = prompt_s.saturating_add(gather.timeout_s);
        let patience =
            if self.plan.verb_speed > 0.0 { Micros::from_secs(patience_s) } else { Micros::MAX };
        let Some((silence, keys)) = self.director.keys(patience) else {
            if let Some(end) = self.dwell(patience_s).await {
                return Some(end);
            }
            let extra = form(&[("Digits", "")]);
            let action = gather.action.as_deref();
            return gather.action_on_empty.then(|| self.fetch_next(page, action, extra));
        };
        tokio::time::sleep(self.at_speed(silence.into())).await;
        let mut digits = String::new();
        let mut finish = "";
        for key in keys.chars() {
            self.tell(EventKind::Key(key));
            if let Some(at) = gather.finish_on_key.find(key) {
                finish = gather.finish_on_key.get(at..=at).unwrap_or_default();
                break;
            }
            digits.push(key);
            if gather.num_digits.is_some_and(|wanted| digits.len() >= wanted) {
                break;
            }
        }
        let extra = form(&[("Digits", &digits), ("FinishedOnKey", finish), ("msg", "Gather End")]);
        Some(self.fetch_next(page, gather.action.as_deref(), extra))
    }

    async fn record(&mut self, action: Option<&str>, page: &Page) -> Option<Next> {
        if let Some(end) = self.dwell(MESSAGE_S).await {
            return Some(end);
        }
        let extra = form(&[
            ("RecordingUrl", &self.recording_url()),
            ("RecordingSid", &sid("RE")),
            ("RecordingDuration", &MESSAGE_S.to_string()),
            ("Digits", "#"),
        ]);
        Some(self.fetch_next(page, action, extra))
    }

    /// The document at `url`, seen from this one; this one again without a URL.
    pub(super) fn fetch_next(&self, page: &Page, url: Option<&str>, extra: Form) -> Next {
        let url = Self::resolve(page, url.unwrap_or_default());
        Next::Fetch(Request { url, extra })
    }

    /// Where the recording of a dialled leg is, of which the server is told later.
    fn recording_of_dial(&self, dial: &Dial, page: &Page) -> String {
        let Some(recordings) = &self.plan.recordings else {
            return self.recording_url();
        };
        let account = &self.plan.account_sid;
        let both = dial.record.as_deref().is_some_and(|record| record.ends_with("-dual"));
        let callback =
            dial.recording_status_callback.as_deref().map(|url| Self::resolve(page, url));
        let of = (account.as_str(), self.report.call_sid.as_str());
        let sid = recordings.make(of, if both { 2 } else { 1 }, "DialVerb", callback);
        format!("{}/2010-04-01/Accounts/{account}/Recordings/{sid}", recordings.base())
    }

    fn recording_url(&self) -> String {
        let account = &self.plan.account_sid;
        let recording = sid("RE");
        format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording}")
    }
}

/// Parameters from texts.
pub(super) fn form(pairs: &[(&str, &str)]) -> Form {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn name(verb: &Verb) -> &str {
    match verb {
        Verb::Say(_) => "Say",
        Verb::Play(_) => "Play",
        Verb::Pause(_) => "Pause",
        Verb::Dial(_) => "Dial",
        Verb::Gather(_) => "Gather",
        Verb::Stream(_) => "Connect/Stream",
        Verb::Record { .. } => "Record",
        Verb::Redirect(_) => "Redirect",
        Verb::Reject { .. } => "Reject",
        Verb::Hangup => "Hangup",
        Verb::Unknown(name) => name,
    }
}

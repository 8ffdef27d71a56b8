//! One call: the webhook, the documents that follow from it, and the report.

use tokio::sync::mpsc::UnboundedSender;
use trunkline_core::time::Micros;

use super::address::{Address, resolve};
use super::clock::Clock;
use super::director::{Director, Told};
use super::document::{self, Unusable};
use super::echo::EchoLoad;
use super::event::{CallEvent, EventKind, Teller};
use super::follow::Next;
use super::line::Line;
use super::plan::CallPlan;
use super::report::{CallError, CallReport, Ended, Exchange};
use super::status::Courier;
use super::twiml::Verb;

/// Most documents of one call: a `<Redirect>` to itself must end some time.
const MAX_DOCUMENTS: u32 = 100;

/// Signs the requests of a caller who is none of the carrier's.
const FORGED_TOKEN: &str = "nobody-knows-this-token";

pub(super) type Form = Vec<(String, String)>;

/// A document to be fetched: its URL, and parameters beside the call's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) extra: Form,
}

/// A document that can be followed.
pub(super) struct Page {
    pub(super) url: String,
    pub(super) verbs: Vec<Verb>,
}

/// A call under way.
pub(super) struct Call<'a> {
    pub(super) plan: &'a CallPlan,
    pub(super) line: Line,
    pub(super) clock: Clock,
    pub(super) director: Director,
    pub(super) told: Told,
    pub(super) teller: Teller,
    pub(super) courier: Courier,
    pub(super) report: CallReport,
    pub(super) answered_at_ms: Option<u64>,
    /// What echo callers share; nothing for a caller with a script.
    pub(super) echo: Option<EchoLoad>,
    status: &'static str,
}

/// Places a call and follows it to its end. Must run where `actix_rt::spawn`
/// works; one thread may place thousands at once.
///
/// Whatever goes wrong is in the report, and nothing else tells of it. `events`
/// hears of things as they happen.
pub async fn place_call(plan: &CallPlan, events: Option<UnboundedSender<CallEvent>>) -> CallReport {
    Box::pin(place(plan, events, None)).await
}

/// The same, for one call of an echo load.
pub(super) async fn place(
    plan: &CallPlan,
    events: Option<UnboundedSender<CallEvent>>,
    echo: Option<EchoLoad>,
) -> CallReport {
    let address = Address::new(&plan.server, plan.public_url.as_deref());
    let token =
        if plan.script.forges() { Some(FORGED_TOKEN.to_owned()) } else { plan.auth_token.clone() };
    let line = Line::new(address, token);
    let call_sid = sid("CA");
    let call = Call {
        plan,
        clock: Clock::start(),
        director: Director::new(&plan.script),
        told: Told::default(),
        teller: Teller::new(&call_sid, events),
        courier: Courier::new(line.clone(), plan.status.clone()),
        line,
        report: CallReport {
            call_sid,
            account_sid: plan.account_sid.clone(),
            ..CallReport::default()
        },
        answered_at_ms: None,
        echo,
        status: "ringing",
    };
    Box::pin(call.run()).await
}

impl Call<'_> {
    async fn run(mut self) -> CallReport {
        self.tell(EventKind::Ringing);
        for status in ["initiated", "ringing"] {
            self.status = status;
            self.courier.status(self.base(), None);
        }
        let url = self.line.address().public(&self.plan.voice_url);
        let mut request = Request { url, extra: Form::new() };
        let mut ended = Ended::FarEnd;
        for documents in 0..=MAX_DOCUMENTS {
            if documents == MAX_DOCUMENTS {
                self.error(None, format!("more than {MAX_DOCUMENTS} documents"));
                break;
            }
            let Some(page) = self.fetch(&request).await else {
                ended = Ended::Failed;
                break;
            };
            match Box::pin(self.follow(&page)).await {
                Next::Fetch(next) => request = next,
                Next::End(end) => {
                    ended = end;
                    break;
                }
            }
        }
        self.finish(ended).await
    }

    async fn finish(mut self, ended: Ended) -> CallReport {
        let ended = if self.is_refused_as_expected(ended) { Ended::Refused } else { ended };
        self.report.ended = ended;
        self.report.duration_ms = self.clock.ms();
        self.tell(EventKind::Ended(ended));
        self.status = match ended {
            Ended::Rejected => self.report.status,
            Ended::Failed if self.answered_at_ms.is_none() => "failed",
            Ended::Refused => "failed",
            Ended::FarEnd | Ended::Caller | Ended::Duration | Ended::Failed => "completed",
        };
        self.report.status = self.status;
        let since = self.answered_at_ms.unwrap_or(self.report.duration_ms);
        let seconds = self.report.duration_ms.saturating_sub(since).div_ceil(1_000);
        self.courier.status(self.base(), Some(seconds));
        if let Some(recordings) = &self.plan.recordings {
            recordings.until_asked(&self.report.call_sid).await;
            for (url, form) in recordings.news(&self.report.call_sid, seconds) {
                self.courier.post(url, form);
            }
        }
        self.report.unmet = self.director.finish(self.clock.now(), ended, &self.told);
        let now_ms = self.clock.ms();
        for message in self.courier.finish().await {
            self.report.errors.push(CallError {
                code: Some(11_200),
                message: format!("status callback: {message}"),
                warning: true,
                at_ms: now_ms,
            });
        }
        self.report
    }

    /// Whether the server refused every request of a caller who is to be refused.
    /// What was noted of that is then no more than a warning.
    fn is_refused_as_expected(&mut self, ended: Ended) -> bool {
        let refused = ended == Ended::Failed
            && self.plan.script.expects_refusal()
            && self.report.http.iter().all(|exchange| matches!(exchange.status, Some(400..500)));
        if refused {
            self.report.errors.iter_mut().for_each(|error| error.warning = true);
        }
        refused
    }

    /// A document, or the fallback's in its place; `None` when there is neither.
    async fn fetch(&mut self, request: &Request) -> Option<Page> {
        let problem = match self.fetch_one(request).await {
            Ok(page) => return Some(page),
            Err(problem) => problem,
        };
        self.error(Some(problem.code), format!("{}: {}", request.url, problem.message));
        let fallback = self.plan.fallback_url.as_ref()?;
        let url = self.line.address().public(fallback);
        if url == request.url {
            return None;
        }
        let extra = vec![
            ("ErrorCode".to_owned(), problem.code.to_string()),
            ("ErrorUrl".to_owned(), request.url.clone()),
        ];
        match self.fetch_one(&Request { url: url.clone(), extra }).await {
            Ok(page) => Some(page),
            Err(problem) => {
                self.error(Some(problem.code), format!("{url}: {}", problem.message));
                None
            }
        }
    }

    async fn fetch_one(&mut self, request: &Request) -> Result<Page, Unusable> {
        let mut form = self.base();
        form.extend(request.extra.iter().cloned());
        let began_ms = self.clock.ms();
        let result = Box::pin(self.line.post(&request.url, &form)).await;
        let took_ms = self.clock.ms().saturating_sub(began_ms);
        if self.report.http.is_empty() {
            self.report.webhook_ms = Some(took_ms);
        }
        self.report.http.push(Exchange {
            url: request.url.clone(),
            status: result.as_ref().ok().map(|answer| answer.status),
            took_ms,
            error: result.as_ref().err().map(ToString::to_string),
        });
        let verbs = document::read(result)?;
        Ok(Page { url: request.url.clone(), verbs })
    }

    /// What every webhook of the call carries, blanks included.
    pub(super) fn base(&self) -> Form {
        let CallPlan { from, to, account_sid, .. } = self.plan;
        [
            ("AccountSid", account_sid.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", &self.report.call_sid),
            ("CallStatus", self.status),
            ("Called", to),
            ("CalledCity", ""),
            ("CalledCountry", "US"),
            ("CalledState", ""),
            ("CalledZip", ""),
            ("Caller", from),
            ("CallerCity", ""),
            ("CallerCountry", "US"),
            ("CallerState", ""),
            ("CallerZip", ""),
            ("Direction", "inbound"),
            ("From", from),
            ("FromCity", ""),
            ("FromCountry", "US"),
            ("FromState", ""),
            ("FromZip", ""),
            ("StirVerstat", "TN-Validation-Passed-A"),
            ("To", to),
            ("ToCity", ""),
            ("ToCountry", "US"),
            ("ToState", ""),
            ("ToZip", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The carrier picks up: the first verb that needs the line.
    pub(super) fn answer(&mut self) {
        if self.answered_at_ms.is_some() {
            return;
        }
        self.answered_at_ms = Some(self.clock.ms());
        self.status = "in-progress";
        self.courier.status(self.base(), None);
    }

    /// The caller hangs up at this point of the call at the latest.
    pub(super) fn deadline(&self) -> Micros {
        Micros::from(self.plan.max_duration)
    }

    /// A URL in a document, whole.
    pub(super) fn resolve(page: &Page, url: &str) -> String {
        resolve(&page.url, url)
    }

    pub(super) fn tell(&mut self, kind: EventKind) {
        let at_ms = self.clock.ms();
        self.teller.tell(at_ms, kind);
    }

    /// Notes something that Twilio would log as an error.
    pub(super) fn error(&mut self, code: Option<u32>, message: String) {
        self.note(code, message, false);
    }

    /// Notes something that Twilio would log as a warning.
    pub(super) fn warn(&mut self, code: u32, message: String) {
        self.note(Some(code), message, true);
    }

    fn note(&mut self, code: Option<u32>, message: String, warning: bool) {
        self.tell(EventKind::Error(message.clone()));
        let at_ms = self.clock.ms();
        self.report.errors.push(CallError { code, message, warning, at_ms });
    }
}

/// A random SID: two letters and 32 hex digits.
pub(super) fn sid(kind: &str) -> String {
    format!("{kind}{}", uuid::Uuid::new_v4().simple())
}

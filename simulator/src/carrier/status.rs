//! Status callbacks: posts beside the call, which never wait for each other's
//! effect on it.

use actix_rt::task::JoinHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::line::Line;
use super::plan::StatusPlan;

type Form = Vec<(String, String)>;

/// Sends posts in the background, in order, until [`Courier::finish`].
pub(super) struct Courier {
    queue: UnboundedSender<(String, Form)>,
    worker: JoinHandle<Vec<String>>,
    plan: Option<(String, StatusPlan)>,
    next: u32,
}

impl Courier {
    pub(super) fn new(line: Line, plan: Option<StatusPlan>) -> Self {
        let shuffled = plan.as_ref().is_some_and(|plan| plan.shuffled);
        let plan = plan.map(|plan| (line.address().public(&plan.url), plan));
        let (queue, jobs) = unbounded_channel();
        let worker = actix_rt::spawn(deliver(line, jobs, shuffled));
        Self { queue, worker, plan, next: 0 }
    }

    /// Sends a status with what belongs to every status callback. `base` holds
    /// the call's own parameters.
    pub(super) fn status(&mut self, base: Form, duration_s: Option<u64>) {
        let Some((url, plan)) = &self.plan else {
            return;
        };
        let mut form = base;
        let mut add = |name: &str, value: String| form.push((name.to_owned(), value));
        add("CallbackSource", "call-progress-events".to_owned());
        add("SequenceNumber", self.next.to_string());
        add("Timestamp", timestamp());
        if let Some(seconds) = duration_s {
            add("CallDuration", seconds.to_string());
            add("Duration", seconds.div_ceil(60).to_string());
        }
        self.next += 1;
        let url = url.clone();
        if plan.duplicated {
            self.post(url.clone(), form.clone());
        }
        self.post(url, form);
    }

    /// Sends any post.
    pub(super) fn post(&self, url: String, form: Form) {
        // A worker that has gone is noticed by `finish`.
        if self.queue.send((url, form)).is_err() {
            tracing::debug!("status callback after the end");
        }
    }

    /// Waits until everything is delivered; what could not be.
    pub(super) async fn finish(self) -> Vec<String> {
        drop(self.queue);
        self.worker.await.unwrap_or_else(|error| vec![error.to_string()])
    }
}

async fn deliver(
    line: Line,
    mut jobs: UnboundedReceiver<(String, Form)>,
    shuffled: bool,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut held = Vec::new();
    while let Some((url, form)) = jobs.recv().await {
        if shuffled {
            held.push((url, form));
        } else {
            failures.extend(send(&line, &url, &form).await);
        }
    }
    for (url, form) in held.into_iter().rev() {
        failures.extend(send(&line, &url, &form).await);
    }
    failures
}

async fn send(line: &Line, url: &str, form: &[(String, String)]) -> Option<String> {
    match Box::pin(line.post(url, form)).await {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) => Some(format!("{url} answered {}", answer.status)),
        Err(error) => Some(format!("{url}: {error}")),
    }
}

/// Now, as RFC 2822 writes it, in UTC.
pub(super) fn timestamp() -> String {
    let now = std::time::SystemTime::now();
    actix_web::http::header::HttpDate::from(now).to_string().replace("GMT", "+0000")
}

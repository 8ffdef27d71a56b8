//! The carrier's API, as far as calls are recorded by it.

use std::time::Duration;

use awc::http::Method;
use trunkline_core::ids::{AccountSid, CallSid, RecordingSid};
use trunkline_core::tenant::Channels;
use trunkline_core::wire::twilio::recording;

use crate::http::{Body, Patience, Request, RequestError, send};
use crate::reach::Reach;

/// How long the carrier may take to begin a recording. Ours: the caller is on the line.
const START: Patience = Patience {
    first_byte: Duration::from_secs(10),
    idle: Duration::from_secs(5),
    whole: Duration::from_secs(15),
};
/// How long a recording's audio may take. Ours.
const MEDIA: Patience = Patience {
    first_byte: Duration::from_secs(30),
    idle: Duration::from_secs(30),
    whole: MEDIA_PATIENCE,
};
/// Longest that fetching a recording takes, whatever comes.
pub const MEDIA_PATIENCE: Duration = Duration::from_secs(600);
/// Longest description of a recording that is read.
const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;

/// An account at the carrier. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Account {
    /// Where the API is, without a slash at its end.
    pub base: String,
    /// The account's name.
    pub sid: AccountSid,
    /// What it is asked with.
    pub token: String,
    /// How far the address reaches: whoever named it decides that.
    pub reach: Reach,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("sid", &self.sid).finish_non_exhaustive()
    }
}

impl Account {
    /// Has a live call recorded from now on; `callback` is told when it is ready. Not
    /// to be asked again after a timeout: it may have begun.
    ///
    /// # Errors
    /// When the carrier does not say that it has begun.
    pub async fn start_recording(
        &self,
        call: &CallSid,
        channels: Channels,
        callback: &str,
    ) -> Result<(), RequestError> {
        let url = recording::start_url(&self.base, &self.sid, call);
        let mut headers = self.headers();
        headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
        let body = recording::start_form(channels, callback);
        let request = Request { method: Method::POST, url: &url, headers: &headers, body };
        let mut answer = send(request, MAX_DESCRIPTION_BYTES, START, &self.reach).await?;
        answer.end().await;
        Ok(())
    }

    /// The audio of a recording, as it comes: a WAV file of `max_bytes` at most.
    ///
    /// # Errors
    /// When the carrier does not give it.
    pub async fn recording(
        &self,
        recording: &RecordingSid,
        channels: Option<i32>,
        max_bytes: usize,
    ) -> Result<Body, RequestError> {
        let url = recording::media_url(&self.base, &self.sid, recording, channels);
        let headers = self.headers();
        let request =
            Request { method: Method::GET, url: &url, headers: &headers, body: String::new() };
        send(request, max_bytes, MEDIA, &self.reach).await
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", recording::basic_auth(&self.sid, &self.token)),
            // Rarely asked, so nothing is kept open.
            ("connection", "close".to_owned()),
        ]
    }
}

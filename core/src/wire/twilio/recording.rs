//! Recordings of calls: how the carrier is asked to make one, what it says of one,
//! and where its audio is.
//!
//! The address that a callback names is never dialled. It is made here, out of the
//! account's own base address and of names that were checked, so that nobody can have
//! the account's credentials sent elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form::Form;
use super::webhook::WebhookError;
use crate::ids::{AccountSid, CallSid, RecordingSid};
use crate::tenant::Channels;

/// What the carrier is asked to report: `in-progress` would say nothing new.
const EVENTS: &str = "completed absent";

/// What has become of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingStatus {
    /// Its audio can be fetched, or soon can.
    Completed,
    /// Nothing was recorded.
    Absent,
    /// It goes on, or is otherwise not there yet.
    Unfinished,
}

/// The carrier tells of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingWebhook {
    /// The call that is heard in it: of a dialled leg, the caller's.
    pub call_sid: CallSid,
    /// The account that has it.
    pub account_sid: AccountSid,
    /// Its name.
    pub recording_sid: RecordingSid,
    /// What has become of it.
    pub status: RecordingStatus,
    /// How long it is, in seconds.
    pub duration_s: Option<u32>,
    /// 1, or 2 with both sides apart.
    pub channels: Option<u8>,
    /// Why there is none: 16101 too short, 16102 silent.
    pub error_code: Option<u32>,
}

impl RecordingWebhook {
    /// Reads the form. A status that the carrier added since is an unfinished one.
    ///
    /// # Errors
    /// When a name or the status is missing, or a name is none of the carrier's:
    /// they become parts of addresses and paths.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        let plain = |name: &'static str| {
            let text = form.filled(name).ok_or(WebhookError::Missing(name))?;
            let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_plain { Ok(text) } else { Err(WebhookError::Word(name)) }
        };
        let number = |name: &str| form.filled(name).and_then(|text| text.parse::<u32>().ok());
        let status = form.filled("RecordingStatus");
        Ok(Self {
            call_sid: CallSid::parse(plain("CallSid")?)?,
            account_sid: AccountSid::parse(plain("AccountSid")?)?,
            recording_sid: RecordingSid::parse(plain("RecordingSid")?)?,
            status: match status.ok_or(WebhookError::Missing("RecordingStatus"))? {
                "completed" => RecordingStatus::Completed,
                "absent" => RecordingStatus::Absent,
                _ => RecordingStatus::Unfinished,
            },
            // A database's whole number; a carrier's day has 86 400 seconds.
            duration_s: number("RecordingDuration").filter(|s| i32::try_from(*s).is_ok()),
            channels: number("RecordingChannels")
                .and_then(|channels| u8::try_from(channels).ok())
                .filter(|channels| matches!(channels, 1 | 2)),
            error_code: number("ErrorCode"),
        })
    }
}

/// Where a call's recording is begun, by a post of [`start_form`]. `base` is where
/// the carrier's API is, without a slash at its end.
#[must_use]
pub fn start_url(base: &str, account: &AccountSid, call: &CallSid) -> String {
    format!("{base}/2010-04-01/Accounts/{account}/Calls/{call}/Recordings.json")
}

/// What is posted there; `callback` is told when the recording is ready.
#[must_use]
pub fn start_form(channels: Channels, callback: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("RecordingChannels", channels.as_str());
    form.append_pair("RecordingStatusCallback", callback);
    // Repeated, as all of the API's lists are.
    for event in EVENTS.split(' ') {
        form.append_pair("RecordingStatusCallbackEvent", event);
    }
    form.finish()
}

/// Where a recording's audio is, as a WAV file.
#[must_use]
pub fn media_url(
    base: &str,
    account: &AccountSid,
    recording: &RecordingSid,
    channels: Option<i32>,
) -> String {
    // One of two channels is mixed down unless both are asked for.
    let both = if channels == Some(2) { "?RequestedChannels=2" } else { "" };
    format!("{base}/2010-04-01/Accounts/{account}/Recordings/{recording}.wav{both}")
}

/// The value of `Authorization` for an account.
#[must_use]
pub fn basic_auth(account: &AccountSid, token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{account}:{token}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        ("CallSid", "CA1"),
        ("AccountSid", "AC1"),
        ("RecordingSid", "RE1"),
        ("RecordingStatus", "completed"),
        ("RecordingDuration", "42"),
        ("RecordingChannels", "2"),
    ];

    fn with(name: &str, value: &str) -> Result<RecordingWebhook, WebhookError> {
        let pairs = GOOD.iter().filter(|(known, _)| *known != name).copied();
        let pairs = pairs.chain([(name, value)]).map(|(n, v)| (n.to_owned(), v.to_owned()));
        RecordingWebhook::from_form(&Form::from_pairs(pairs.collect()))
    }

    #[test]
    fn what_the_carrier_says_is_read_and_what_it_cannot_mean_is_left_out() {
        let plain = with("RecordingStatus", "completed").unwrap();
        assert_eq!((plain.duration_s, plain.channels), (Some(42), Some(2)));
        assert_eq!(plain.status, RecordingStatus::Completed);
        assert_eq!(with("RecordingStatus", "absent").unwrap().status, RecordingStatus::Absent);
        let later = with("RecordingStatus", "paused-again").unwrap();
        assert_eq!(later.status, RecordingStatus::Unfinished);
        assert_eq!(with("RecordingChannels", "3").unwrap().channels, None);
        assert_eq!(with("RecordingDuration", "-1").unwrap().duration_s, None);
        assert_eq!(with("RecordingDuration", "4294967295").unwrap().duration_s, None);
    }

    #[test]
    fn a_name_that_would_lead_elsewhere_is_none() {
        for (name, value) in [
            ("RecordingSid", "../../Keys"),
            ("RecordingSid", "RE1.wav"),
            ("RecordingSid", "RE1?x=y"),
            ("AccountSid", ".."),
            ("CallSid", ".."),
            ("CallSid", "CA1:x"),
            ("RecordingSid", ""),
            ("AccountSid", ""),
            ("RecordingStatus", ""),
        ] {
            assert!(with(name, value).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn addresses_are_made_of_the_base_alone() {
        let (account, call) = (AccountSid::parse("AC1").unwrap(), CallSid::parse("CA1").unwrap());
        let recording = RecordingSid::parse("RE1").unwrap();
        let base = "https://api.twilio.com";
        assert_eq!(
            start_url(base, &account, &call),
            "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls/CA1/Recordings.json"
        );
        let mono = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1.wav";
        assert_eq!(media_url(base, &account, &recording, Some(1)), mono);
        let dual = format!("{mono}?RequestedChannels=2");
        assert_eq!(media_url(base, &account, &recording, Some(2)), dual);
        assert_eq!(
            start_form(Channels::Dual, "https://x.test/twilio/recording?tenant=a"),
            "RecordingChannels=dual\
             &RecordingStatusCallback=https%3A%2F%2Fx.test%2Ftwilio%2Frecording%3Ftenant%3Da\
             &RecordingStatusCallbackEvent=completed&RecordingStatusCallbackEvent=absent"
        );
        // printf 'AC1:secret' | base64
        assert_eq!(basic_auth(&account, "secret"), "Basic QUMxOnNlY3JldA==");
    }
}

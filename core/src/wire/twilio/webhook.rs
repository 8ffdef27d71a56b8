//! What webhooks say, as typed data. A form that was not verified first (see
//! [`super::signature`]) says nothing.
//!
//! Only what a request cannot do without is an error. Anything else that is
//! blank, missing or unreadable is `None`: a carrier adds values without notice.

use std::str::FromStr;

use super::form::Form;
use super::status::CarrierStatus;
use crate::call::AnsweredBy;
use crate::ids::{AccountSid, CallSid, IdError, StreamSid};
use crate::pii::{Personal, PhoneNumber};

/// Why a form is not the webhook that it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// A parameter that must be there is missing or blank.
    #[error("the webhook has no {0}")]
    Missing(&'static str),
    /// A SID that is none.
    #[error("the webhook has a bad identifier: {0}")]
    Id(#[from] IdError),
    /// A word that is not one of those that the parameter may be.
    #[error("the webhook's {0} is not one of the documented words")]
    Word(&'static str),
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Somebody called one of our numbers.
    Inbound,
    /// Placed through the carrier's API.
    OutboundApi,
    /// A leg that a `<Dial>` made.
    OutboundDial,
}

impl Direction {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "inbound" => Some(Self::Inbound),
            "outbound-api" => Some(Self::OutboundApi),
            "outbound-dial" => Some(Self::OutboundDial),
            _ => None,
        }
    }
}

/// A call wants to be answered, or (with an error code) the first answer failed
/// and this is the fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceWebhook {
    /// The call.
    pub call_sid: CallSid,
    /// The account that owns the called number.
    pub account_sid: Option<AccountSid>,
    /// The caller: not always a number, and `anonymous` when withheld.
    pub from: Option<PhoneNumber>,
    /// The called number.
    pub to: Option<PhoneNumber>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// Where the call is.
    pub call_status: Option<CarrierStatus>,
    /// The number that forwarded the call, in a form that its carrier chose.
    pub forwarded_from: Option<PhoneNumber>,
    /// The caller's registered name, where the number looks it up.
    pub caller_name: Option<Personal>,
    /// Attestation of the caller's number, such as `TN-Validation-Passed-A`.
    pub stir_verstat: Option<String>,
    /// Who answered an outbound call, when that was detected before this request.
    pub answered_by: Option<String>,
    /// Keys, from a `<Gather>`.
    pub digits: Option<Personal>,
    /// Why the first URL was not used.
    pub error_code: Option<u32>,
    /// The URL that was not used.
    pub error_url: Option<String>,
}

impl VoiceWebhook {
    /// Reads the form. A call SID alone is enough.
    ///
    /// # Errors
    /// When there is no call SID, or a SID is malformed.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        Ok(Self {
            call_sid: call_sid(form)?,
            account_sid: account_sid(form)?,
            from: number(form, "From"),
            to: number(form, "To"),
            direction: form.get("Direction").and_then(Direction::parse),
            call_status: parsed(form, "CallStatus"),
            forwarded_from: number(form, "ForwardedFrom"),
            caller_name: form.filled("CallerName").map(Personal::new),
            stir_verstat: text(form, "StirVerstat"),
            answered_by: text(form, "AnsweredBy"),
            digits: form.filled("Digits").map(Personal::new),
            error_code: parsed(form, "ErrorCode"),
            error_url: text(form, "ErrorUrl"),
        })
    }
}

/// A call has come further, or an earlier report has come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusWebhook {
    /// The call.
    pub call_sid: CallSid,
    /// The account that it belongs to.
    pub account_sid: Option<AccountSid>,
    /// The leg that it was made from, for a dialled leg.
    pub parent_call_sid: Option<CallSid>,
    /// Where the call is.
    pub status: CarrierStatus,
    /// Which report of the call this is, from 0.
    pub sequence: Option<u32>,
    /// How long it was, in seconds; only when it is over.
    pub duration_s: Option<u32>,
    /// The SIP answer that ended it, such as 486.
    pub sip_response_code: Option<u16>,
    /// When it happened, as RFC 2822 text.
    pub timestamp: Option<String>,
}

impl StatusWebhook {
    /// Reads the form.
    ///
    /// # Errors
    /// When there is no call SID or no known status, or a SID is malformed.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        let status = form.filled("CallStatus").ok_or(WebhookError::Missing("CallStatus"))?;
        Ok(Self {
            call_sid: call_sid(form)?,
            account_sid: account_sid(form)?,
            parent_call_sid: form.filled("ParentCallSid").map(CallSid::parse).transpose()?,
            status: status.parse().map_err(|_| WebhookError::Word("CallStatus"))?,
            sequence: parsed(form, "SequenceNumber"),
            duration_s: parsed(form, "CallDuration"),
            sip_response_code: parsed(form, "SipResponseCode"),
            timestamp: text(form, "Timestamp"),
        })
    }
}

/// A `<Connect>` is over: what now?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectActionWebhook {
    /// The call.
    pub call_sid: CallSid,
    /// The account that it belongs to.
    pub account_sid: Option<AccountSid>,
    /// The stream that is over, when one had begun.
    pub stream_sid: Option<StreamSid>,
    /// Where the call is: over, when the caller hung up.
    pub call_status: Option<CarrierStatus>,
    /// The caller.
    pub from: Option<PhoneNumber>,
    /// The called number.
    pub to: Option<PhoneNumber>,
    /// The carrier's number for what went wrong with the stream, if anything did.
    pub error_code: Option<u32>,
    /// The carrier's words for it.
    pub error: Option<String>,
}

impl ConnectActionWebhook {
    /// Reads the form.
    ///
    /// # Errors
    /// When there is no call SID, or a SID is malformed.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        Ok(Self {
            call_sid: call_sid(form)?,
            account_sid: account_sid(form)?,
            stream_sid: form.filled("StreamSid").map(StreamSid::parse).transpose()?,
            call_status: parsed(form, "CallStatus"),
            from: number(form, "From"),
            to: number(form, "To"),
            error_code: parsed(form, "ErrorCode").or_else(|| parsed(form, "StreamErrorCode")),
            error: text(form, "StreamError"),
        })
    }
}

/// A `<Dial>` is over: what now?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialActionWebhook {
    /// The caller's leg.
    pub call_sid: CallSid,
    /// The account that it belongs to.
    pub account_sid: Option<AccountSid>,
    /// How the dialled leg ended.
    pub dial_status: Option<CarrierStatus>,
    /// The dialled leg.
    pub dial_call_sid: Option<CallSid>,
    /// How long they spoke, in seconds.
    pub dial_duration_s: Option<u32>,
    /// Whether the two were connected at all.
    pub bridged: Option<bool>,
    /// Where the recording is, when there is one.
    pub recording_url: Option<String>,
}

impl DialActionWebhook {
    /// Reads the form.
    ///
    /// # Errors
    /// When there is no call SID, or a SID is malformed.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        Ok(Self {
            call_sid: call_sid(form)?,
            account_sid: account_sid(form)?,
            dial_status: parsed(form, "DialCallStatus"),
            dial_call_sid: form.filled("DialCallSid").map(CallSid::parse).transpose()?,
            dial_duration_s: parsed(form, "DialCallDuration"),
            bridged: parsed(form, "DialBridged"),
            recording_url: text(form, "RecordingUrl"),
        })
    }
}

/// The carrier found out who answered an outbound call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmdWebhook {
    /// The call.
    pub call_sid: CallSid,
    /// The account that it belongs to.
    pub account_sid: Option<AccountSid>,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// How long finding out took, in milliseconds.
    pub duration_ms: Option<u32>,
}

impl AmdWebhook {
    /// Reads the form. A word that the carrier added since stands for somebody
    /// unknown.
    ///
    /// # Errors
    /// When there is no call SID or no finding, or a SID is malformed.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        let word = form.filled("AnsweredBy").ok_or(WebhookError::Missing("AnsweredBy"))?;
        Ok(Self {
            call_sid: call_sid(form)?,
            account_sid: account_sid(form)?,
            answered_by: match word {
                "human" => AnsweredBy::Human,
                "machine_start" => AnsweredBy::MachineStart,
                "machine_end_beep" => AnsweredBy::MachineEndBeep,
                "machine_end_silence" => AnsweredBy::MachineEndSilence,
                "machine_end_other" => AnsweredBy::MachineEndOther,
                "fax" => AnsweredBy::Fax,
                _ => AnsweredBy::Unknown,
            },
            duration_ms: parsed(form, "MachineDetectionDuration"),
        })
    }
}

/// What happened to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// It is open.
    Started,
    /// It has closed.
    Stopped,
    /// It failed.
    Error,
}

/// A stream has started, stopped or failed, as the carrier sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStatusWebhook {
    /// The call.
    pub call_sid: CallSid,
    /// The account that it belongs to.
    pub account_sid: Option<AccountSid>,
    /// The stream, when it got so far as to have a name.
    pub stream_sid: Option<StreamSid>,
    /// The name that the TwiML gave it.
    pub stream_name: Option<String>,
    /// What happened.
    pub event: StreamEvent,
    /// The carrier's words for what went wrong.
    pub error: Option<String>,
    /// When it happened, as ISO 8601 text.
    pub timestamp: Option<String>,
}

impl StreamStatusWebhook {
    /// Reads the form.
    ///
    /// # Errors
    /// When there is no call SID or no known event, or a SID is malformed.
    pub fn from_form(form: &Form) -> Result<Self, WebhookError> {
        let event = match form.filled("StreamEvent") {
            Some("stream-started") => StreamEvent::Started,
            Some("stream-stopped") => StreamEvent::Stopped,
            Some("stream-error") => StreamEvent::Error,
            Some(_) => return Err(WebhookError::Word("StreamEvent")),
            None => return Err(WebhookError::Missing("StreamEvent")),
        };
        Ok(Self {
            call_sid: call_sid(form)?,
            account_sid: account_sid(form)?,
            stream_sid: form.filled("StreamSid").map(StreamSid::parse).transpose()?,
            stream_name: text(form, "StreamName"),
            event,
            error: text(form, "StreamError"),
            timestamp: text(form, "Timestamp"),
        })
    }
}

fn call_sid(form: &Form) -> Result<CallSid, WebhookError> {
    let text = form.filled("CallSid").ok_or(WebhookError::Missing("CallSid"))?;
    Ok(CallSid::parse(text)?)
}

fn account_sid(form: &Form) -> Result<Option<AccountSid>, WebhookError> {
    Ok(form.filled("AccountSid").map(AccountSid::parse).transpose()?)
}

fn number(form: &Form, name: &str) -> Option<PhoneNumber> {
    form.filled(name).filter(|text| !text.trim().is_empty()).map(PhoneNumber::new)
}

fn text(form: &Form, name: &str) -> Option<String> {
    form.filled(name).map(str::to_owned)
}

fn parsed<T: FromStr>(form: &Form, name: &str) -> Option<T> {
    form.filled(name)?.parse().ok()
}

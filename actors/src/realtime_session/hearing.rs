//! What the model says, message by message.

use actix::Context;
use actix_http::ws::Item as Fragment;
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use trunkline_core::call::ModelEvent;
use trunkline_core::cost::Amount;
use trunkline_core::ids::ResponseId;
use trunkline_core::pii::code_word;
use trunkline_core::turn::waterfall::Stage;
use trunkline_core::wire::realtime::{
    ApiError, ClientEvent, ErrorClass, MAX_MESSAGE_BYTES, ServerEvent, TranscriptionUsage, parse,
};

use super::RealtimeSession;
use crate::media_link::text_of;
use crate::metrics;

/// Less than this is no difference between the provider's clock and ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(60);

/// Messages that could not be read before the session is given up.
const BAD_MESSAGES: u32 = 20;

impl RealtimeSession {
    pub(super) fn take_text(&mut self, bytes: &Bytes, context: &mut Context<Self>) {
        let event = match text_of(bytes) {
            Ok(text) => parse(text),
            Err(_) => return self.bad_message("not text", context),
        };
        match event {
            Ok(event) => self.take_event(&event, context),
            Err(error) => self.bad_message(&error.to_string(), context),
        }
    }

    pub(super) fn bad_message(&mut self, why: &str, context: &mut Context<Self>) {
        metrics::bad_message("model");
        tracing::debug!(why, "the model sent something that could not be read");
        self.bad_messages += 1;
        if self.bad_messages >= BAD_MESSAGES {
            self.lose("the model sends nothing that can be read", true, context);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the translator names the others, one by one"
    )]
    fn take_event(&mut self, event: &ServerEvent<'_>, context: &mut Context<Self>) {
        match event {
            ServerEvent::AudioDelta(delta) => {
                let bytes = self.media.push_agent(&delta.response_id, &delta.item_id, &delta.delta);
                if self.translator.audio(&delta.item_id, bytes) {
                    self.tell_first_audio(&delta.response_id);
                }
            }
            ServerEvent::SessionCreated { expires_at, .. } => {
                self.note_expiry(*expires_at);
                let config = Box::new(self.plan.config.clone());
                self.send(&ClientEvent::SessionUpdate(config));
            }
            ServerEvent::SessionUpdated { .. } if self.configured => {}
            ServerEvent::SessionUpdated { .. } => {
                self.configured = true;
                self.tell(ModelEvent::Ready);
            }
            ServerEvent::AudioDone { response_id, item_id } => {
                self.media.finish_agent(response_id.as_str(), item_id.as_str());
                self.tell(self.translator.item_finished(item_id.clone()));
            }
            ServerEvent::Error(error) => self.take_error(error, context),
            ServerEvent::ResponseDone { response_id, .. } => {
                self.media.downlink().finish_response(response_id.as_str());
                self.media.wake_down();
                self.tell_translated(event);
            }
            ServerEvent::InputTranscript { usage: Some(usage), .. } => {
                self.media.usage().transcribed(self.plan.provider, amount(*usage));
                self.tell_translated(event);
            }
            other => self.tell_translated(other),
        }
    }

    /// An item's first audio came, and has been handed on.
    fn tell_first_audio(&self, response: &str) {
        if let Ok(response) = ResponseId::parse(response) {
            let at = self.media.clock().now();
            self.tell(ModelEvent::Reached { response, stage: Stage::FirstAudio, at });
        }
    }

    /// The provider says when it ends the session, by its own clock: ours may be wrong.
    fn note_expiry(&self, expires_at: Option<u64>) {
        if let Some(at) = expires_at {
            let far = self.clock_offset.filter(|offset| offset.abs() > CLOCKS_DIFFER);
            let now = Utc::now() + far.unwrap_or_default();
            let now_ms = u64::try_from(now.timestamp_millis()).unwrap_or(u64::MAX);
            let in_ms = at.saturating_mul(1_000).saturating_sub(now_ms);
            self.tell(ModelEvent::Expires { in_ms });
        }
    }

    fn tell_translated(&mut self, event: &ServerEvent<'_>) {
        if let Some(event) = self.translator.translate(event) {
            self.tell(event);
        }
    }

    fn take_error(&mut self, error: &ApiError, context: &mut Context<Self>) {
        let mut named = error.code.as_deref().into_iter().chain([error.kind.as_str()]);
        let code = named.find_map(code_word).unwrap_or("unnamed").to_owned();
        match error.class() {
            ErrorClass::ActiveResponse => self.tell(ModelEvent::Busy),
            ErrorClass::SessionOver => self.lose(&code, true, context),
            ErrorClass::Fatal => self.lose(&code, false, context),
            ErrorClass::Benign | ErrorClass::Retryable | ErrorClass::OurBug => {
                tracing::debug!(code, "the model reports an error");
                self.tell(ModelEvent::Complaint { code });
            }
        }
    }

    pub(super) fn take_fragment(&mut self, fragment: Fragment, context: &mut Context<Self>) {
        let (bytes, last) = match fragment {
            Fragment::FirstText(bytes) | Fragment::FirstBinary(bytes) => {
                self.partial.clear();
                (bytes, false)
            }
            Fragment::Continue(bytes) => (bytes, false),
            Fragment::Last(bytes) => (bytes, true),
        };
        if self.partial.len() + bytes.len() > MAX_MESSAGE_BYTES {
            self.lose("a message of the model is too long", true, context);
            return;
        }
        self.partial.extend_from_slice(&bytes);
        if last {
            let whole = self.partial.split().freeze();
            self.take_text(&whole, context);
        }
    }
}

/// What putting words down took, as it is counted.
const fn amount(usage: TranscriptionUsage) -> Amount {
    match usage {
        TranscriptionUsage::AudioMs(ms) => Amount::AudioMs(ms),
        TranscriptionUsage::Tokens(usage) => Amount::Tokens(usage),
    }
}

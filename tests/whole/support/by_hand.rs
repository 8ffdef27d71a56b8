//! Calls whose webhooks and stream are sent by hand.

use super::{Answer, RawStream, Webhook, World, new_call, wait_for};

impl World {
    /// A call rings; the carrier is answered.
    pub async fn rings(&self, call_sid: &str) -> Answer {
        Webhook::new("/twilio/voice", call_sid).send(&self.server).await
    }

    /// A call rings and gets a slot: its SID and its stream's token.
    pub async fn reserved(&self) -> (String, String) {
        let call_sid = new_call();
        let token = self.rings(&call_sid).await.stream_token();
        (call_sid, token)
    }

    /// A live call whose stream is in our hands.
    pub async fn live_by_hand(&self) -> (String, RawStream) {
        let (call_sid, token) = self.reserved().await;
        let mut stream = RawStream::open(&self.server).await;
        stream.start(&call_sid, None, Some(&token)).await;
        wait_for("the call to be live", async || self.is_live(&call_sid).await.then_some(())).await;
        (call_sid, stream)
    }

    /// Whether a call has an actor.
    pub async fn is_live(&self, call_sid: &str) -> bool {
        let live = self.get("/api/v1/calls/live").await;
        let calls = live["calls"].as_array().expect("a list of calls").clone();
        calls.iter().any(|call| call["call_sid"] == call_sid)
    }

    /// The carrier reports where a call is.
    pub async fn status(&self, call_sid: &str, status: &str) -> u16 {
        let report = Webhook::new("/twilio/status", call_sid).with("CallStatus", status);
        report.send(&self.server).await.status
    }

    /// The carrier asks what follows a call's stream.
    pub async fn what_next(&self, call_sid: &str) -> Answer {
        Webhook::new("/twilio/connect-action", call_sid).send(&self.server).await
    }
}

//! A media stream handled by hand, for what a well-behaved carrier never does.

use std::time::Duration;

use actix_http::ws::{CloseCode, Frame, Item, Message};
use awc::ws::Codec;
use futures_util::{SinkExt as _, StreamExt as _};
use trunkline_core::wire::twilio::signature::sign;

use super::{ACCOUNT, AUTH_TOKEN, PUBLIC_URL, ServerProcess, server::client};

/// The close code of a stream that broke the rules, RFC 6455, 7.4.1.
pub const CLOSED_BY_POLICY: u16 = 1008;

/// An open stream.
pub struct RawStream(actix_codec::Framed<awc::BoxedSocket, Codec>);

impl RawStream {
    /// Opens a stream with a good signature.
    pub async fn open(server: &ServerProcess) -> Self {
        let url = format!("{}/twilio/stream", PUBLIC_URL.replace("https", "wss"));
        Self::try_open(server, Some(&sign(AUTH_TOKEN, &url, &[]))).await.expect("the stream opens")
    }

    /// Opens a stream with this signature; the HTTP status when it is refused.
    pub async fn try_open(server: &ServerProcess, signature: Option<&str>) -> Result<Self, u16> {
        Self::try_open_at(server, "/twilio/stream", signature).await
    }

    /// The same under another path.
    pub async fn try_open_at(
        server: &ServerProcess,
        path: &str,
        signature: Option<&str>,
    ) -> Result<Self, u16> {
        let mut request = client().ws(format!("ws://127.0.0.1:{}{path}", server.port()));
        if let Some(signature) = signature {
            request = request.header("x-twilio-signature", signature);
        }
        match request.connect().await {
            Ok((_, connection)) => Ok(Self(connection)),
            Err(awc::error::WsClientError::InvalidResponseStatus(status)) => Err(status.as_u16()),
            Err(other) => panic!("the stream could not be tried: {other}"),
        }
    }

    /// Sends a text.
    pub async fn send(&mut self, text: &str) {
        self.0.send(Message::Text(text.to_owned().into())).await.expect("the text is sent");
    }

    /// Sends a text; whether the stream still takes it.
    pub async fn try_send(&mut self, text: &str) -> bool {
        self.0.send(Message::Text(text.to_owned().into())).await.is_ok()
    }

    /// Sends a ping; whether the stream still takes it.
    pub async fn ping(&mut self) -> bool {
        self.0.send(Message::Ping("now".into())).await.is_ok()
    }

    /// Sends bytes.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::Binary(bytes.into())).await.expect("the bytes are sent");
    }

    /// Sends the first half of a text, and nothing after it.
    pub async fn send_fragment(&mut self) {
        let half = Item::FirstText(r#"{"event":"#.into());
        self.0.send(Message::Continuation(half)).await.expect("the fragment is sent");
    }

    /// Sends a frame of audio: 20 ms of silence, or what `payload` says.
    pub async fn send_media(&mut self, payload: Option<&str>) {
        let silence = "/".repeat(212) + "/w==";
        let payload = payload.unwrap_or(&silence);
        self.send(&format!(
            r#"{{"event":"media","sequenceNumber":"2","media":{{"track":"inbound","chunk":"1","timestamp":"20","payload":"{payload}"}},"streamSid":"MZ1"}}"#
        ))
        .await;
    }

    /// Closes it as the carrier does when the caller hangs up.
    pub async fn hang_up(mut self, call_sid: &str) {
        self.send(&format!(
            r#"{{"event":"stop","sequenceNumber":"9","stop":{{"accountSid":"{ACCOUNT}","callSid":"{call_sid}"}},"streamSid":"MZ1"}}"#
        ))
        .await;
        self.0
            .send(Message::Close(Some(CloseCode::Normal.into())))
            .await
            .expect("the close is sent");
    }

    /// Sends `start` for a call with this token.
    pub async fn start(&mut self, call_sid: &str, account: Option<&str>, token: Option<&str>) {
        let token = token.map_or_else(String::new, |t| format!(r#""token":"{t}""#));
        let account = account.unwrap_or(ACCOUNT);
        let stream = format!("MZ{}", &call_sid[2..]);
        self.send(&format!(
            r#"{{"event":"start","sequenceNumber":"1","streamSid":"{stream}","start":{{"streamSid":"{stream}","accountSid":"{account}","callSid":"{call_sid}","tracks":["inbound"],"customParameters":{{{token}}},"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}}}}"#
        ))
        .await;
    }

    /// Waits for the agent's first audio.
    pub async fn first_media(&mut self) {
        let media = async {
            while let Some(Ok(frame)) = self.0.next().await {
                if matches!(&frame, Frame::Text(text) if is_media(text)) {
                    return true;
                }
            }
            false
        };
        let heard = tokio::time::timeout(Duration::from_secs(30), media).await;
        assert_eq!(heard, Ok(true), "the agent says nothing");
    }

    /// Waits for the server to close; the close code and its words.
    pub async fn closed(&mut self, patience: Duration) -> (u16, String) {
        let close = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Frame::Close(Some(reason)))) => {
                        return (reason.code.into(), reason.description.unwrap_or_default());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return (1006, String::new()),
                }
            }
        };
        tokio::time::timeout(patience, close).await.expect("the server closes the stream")
    }
}

fn is_media(text: &[u8]) -> bool {
    let message: serde_json::Value = serde_json::from_slice(text).expect("JSON");
    message["event"] == "media"
}

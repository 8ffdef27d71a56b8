//! OpenTelemetry traces, on request: spans are batched on a thread of their own
//! and posted to a collector as OTLP over HTTP, in protobuf. A collector that is
//! slow or away costs spans, and nothing else.

use std::time::Duration;

use async_trait::async_trait;
use awc::Client;
use awc::error::SendRequestError;
use opentelemetry::{KeyValue, global};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::sync::{mpsc, oneshot};
use trunkline_connectors::websocket;
use trunkline_core::ids::NodeId;

use crate::config::TelemetrySettings;

/// Where a collector takes traces, below its base address (OTLP specification,
/// "OTLP/HTTP request").
const TRACES_PATH: &str = "/v1/traces";
/// How long a collector may take to answer: OTLP's own default.
const POST_PATIENCE: Duration = Duration::from_secs(10);
/// How long the last spans may take at the end of the process.
const FLUSH_PATIENCE: Duration = Duration::from_secs(3);
/// What is read of a collector's answer. It has nothing to say but what it refused.
const ANSWER_LIMIT_BYTES: usize = 1 << 20;

/// The traces of this process, or none.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Begins to export traces, if there is a collector. Called on the thread of
    /// an actor system that outlives the calls: the posts are made there.
    ///
    /// # Errors
    /// When the environment asks the exporter for something it cannot do.
    pub fn start(settings: &TelemetrySettings, node: &NodeId) -> Result<Self, ExporterBuildError> {
        let Some(endpoint) = &settings.otlp_endpoint else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Poster::start())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/')))
            .build()?;
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", node.as_str().to_owned()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        global::set_tracer_provider(provider.clone());
        tracing::info!(service = settings.service_name, "calls are traced");
        Ok(Self(Some(provider)))
    }

    /// Exports what is left, for at most a few seconds; answers whether all of it
    /// reached the collector.
    pub async fn stop(self) -> bool {
        let Some(provider) = self.0 else { return true };
        // It blocks, and the posts it waits for are made on this thread.
        let ended =
            actix_rt::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_PATIENCE));
        match ended.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the last traces were lost");
                false
            }
            Err(_) => false,
        }
    }
}

/// Posts for the exporter's thread, on the thread that made it: the client that
/// everything else uses is bound to one.
#[derive(Debug)]
struct Poster(mpsc::UnboundedSender<Letter>);

#[derive(Debug)]
struct Letter {
    request: Request<Bytes>,
    reply: oneshot::Sender<Result<Response<Bytes>, HttpError>>,
}

impl Poster {
    fn start() -> Self {
        // At most one is under way: the exporter waits for each answer.
        let (letters, mut waiting) = mpsc::unbounded_channel::<Letter>();
        drop(actix_rt::spawn(async move {
            websocket::install_crypto_provider();
            // A collector does not send its senders elsewhere.
            let client = Client::builder().timeout(POST_PATIENCE).disable_redirects().finish();
            let mut watch = Watch::default();
            while let Some(Letter { request, reply }) = waiting.recv().await {
                let answer = post(&client, request).await;
                watch.saw(&answer);
                // Whoever gave up waiting has lost nothing by it.
                drop(reply.send(answer));
            }
        }));
        Self(letters)
    }
}

#[async_trait]
impl HttpClient for Poster {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Letter { request, reply }).map_err(|_| "the process is about to end")?;
        answer.await?
    }
}

/// One request. The exporter and the client know different versions of the HTTP
/// types; what is in them is the same.
async fn post(client: &Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = request.into_parts();
    let mut post = client.post(parts.uri.to_string());
    for (name, value) in &parts.headers {
        post = post.insert_header((name.as_str(), value.as_bytes()));
    }
    let sent = tokio::time::timeout(POST_PATIENCE, Box::pin(post.send_body(body))).await;
    let mut answer = sent?.map_err(|error: SendRequestError| error.to_string())?;
    let body = tokio::time::timeout(POST_PATIENCE, answer.body().limit(ANSWER_LIMIT_BYTES)).await;
    let mut response = Response::builder().status(answer.status().as_u16());
    if let Some(wait) = answer.headers().get("retry-after") {
        response = response.header("retry-after", wait.as_bytes());
    }
    Ok(response.body(body?.map_err(|error| error.to_string())?)?)
}

/// Tells the log when the collector goes away and when it is back, once each.
#[derive(Debug, Default)]
struct Watch {
    away: bool,
}

impl Watch {
    fn saw(&mut self, answer: &Result<Response<Bytes>, HttpError>) {
        let why = match answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("HTTP {}", response.status().as_u16())),
            Err(error) => Some(error.to_string()),
        };
        match (&why, self.away) {
            (Some(why), false) => {
                tracing::warn!(
                    why,
                    "the trace collector does not take spans; they are lost until it does"
                );
            }
            (None, true) => tracing::info!("the trace collector takes spans again"),
            (Some(_), true) | (None, false) => {}
        }
        self.away = why.is_some();
    }
}

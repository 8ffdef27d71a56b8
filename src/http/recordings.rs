//! The carrier's recording of a call, to be heard by whoever may read of it.

use std::fs::File;
use std::io::Read as _;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::rt::task::spawn_blocking;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use serde::Deserialize;
use trunkline_core::ids::{CallSid, RecordingSid, TenantId};
use trunkline_store::{RecordingRow, RecordingState, Scope};

use super::api::{error, not_found, query};
use super::auth::Role;
use super::state::AppState;
use crate::recordings::Folder;

/// Read from the disk at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Whose call, and which of its recordings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    tenant: Option<TenantId>,
    recording: Option<RecordingSid>,
}

/// `GET /api/v1/calls/{call_sid}/recording?tenant=&recording=`: the audio, as WAV: of
/// several recordings the one that is named, else the first that is stored.
pub(super) async fn recording(
    request: HttpRequest,
    state: web::Data<AppState>,
    call_sid: web::Path<CallSid>,
    wanted: web::Query<Wanted>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    let (sid, Wanted { tenant, recording }) = (call_sid.into_inner(), wanted.into_inner());
    let found = query(&state, move |store| {
        let mut rows =
            store.recordings(tenant.as_ref().map_or(Scope::AllTenants, Scope::Tenant), &sid)?;
        rows.retain(|row| recording.as_ref().is_none_or(|name| row.recording_sid == *name));
        Ok(rows)
    });
    let rows = match found.await {
        Ok(rows) => rows,
        Err(refusal) => return refusal,
    };
    match rows.iter().find(|row| row.state == RecordingState::Stored) {
        Some(row) => play(&state, row).await,
        None => not_found(match rows.first().map(|row| row.state) {
            Some(RecordingState::Pending) => "the recording has not been fetched yet",
            Some(RecordingState::Failed) => "the recording could not be had; the call says why",
            Some(RecordingState::Stored) | None => "no recording of this call is stored",
        }),
    }
}

async fn play(state: &AppState, row: &RecordingRow) -> HttpResponse {
    let folder = Folder::new(&state.settings.recordings.dir);
    let place = row.path.clone().unwrap_or_default();
    match spawn_blocking(move || folder.open(&place)).await {
        Ok(Ok((file, bytes))) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "audio/wav"))
            .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"recording.wav\""))
            .body(SizedStream::new(bytes, pieces(file))),
        Ok(Err(_)) | Err(_) if is_elsewhere(state, row) => {
            let node = row.node_id.as_ref().map_or("another", |node| node.as_str());
            let message = format!("the recording is on node {node}; ask there");
            error(StatusCode::MISDIRECTED_REQUEST, &message)
        }
        Ok(Err(_)) | Err(_) => {
            tracing::error!(call.id = %row.call_sid, "the file of a recording cannot be read");
            not_found("the recording's file is gone")
        }
    }
}

fn is_elsewhere(state: &AppState, row: &RecordingRow) -> bool {
    row.node_id.as_ref().is_some_and(|node| *node != state.node.settings.id)
}

/// A file's bytes, read on threads that may wait.
fn pieces(file: File) -> impl Stream<Item = std::io::Result<Bytes>> {
    try_unfold(file, |mut file| async move {
        let read = spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            std::io::Read::by_ref(&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    })
}

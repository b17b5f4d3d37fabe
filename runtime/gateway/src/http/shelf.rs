//! What a page asks a gateway for: the models it may open by itself, the keys that vouch for them, recorded samples.
//!
//! ```text
//! GET /mote/1/models                         what there is, and the fleet that this gateway belongs to
//! GET /mote/1/models/{model}/browser.mote    the sealed file; the page opens it and believes nothing of it before
//! GET /mote/1/models/{model}/samples.csv     recorded inputs, or a recorded stream of samples
//! GET /mote/1/keys                           the public keys that this gateway trusts, one a line
//! ```

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::pages::{asks_for, tag};
use super::{Refusal, ok};
use crate::directory::{PageFile, Shelf};
use crate::models::{Models, Served};

/// The longest recording that is handed out.
const MAX_SAMPLES: u64 = 16 << 20;

/// What the answers are made from.
#[derive(Clone)]
struct Kept {
    models: Arc<Models>,
    shelf: Arc<Shelf>,
}

pub(super) fn router(models: Arc<Models>, shelf: Shelf) -> Router {
    Router::new()
        .route("/mote/1/models", get(models_there))
        .route("/mote/1/models/{model}/browser.mote", get(browser_file))
        .route("/mote/1/models/{model}/samples.csv", get(samples))
        .route("/mote/1/keys", get(keys))
        .with_state(Kept { models, shelf: Arc::new(shelf) })
}

async fn models_there(State(kept): State<Kept>) -> Response {
    let Kept { models, shelf } = kept;
    let mut all: BTreeMap<&str, (Option<&Arc<Served>>, Option<&PageFile>)> = BTreeMap::new();
    let served = models.all();
    for served in &served {
        all.entry(served.name()).or_default().0 = Some(served);
    }
    for (model, file) in shelf.files() {
        all.entry(model).or_default().1 = Some(file);
    }
    let describe = |(name, (served, file)): (&str, (Option<&Arc<Served>>, Option<&PageFile>))| {
        json!({
            "name": name,
            "gateway": served.map(|served| json!({
                "version": served.version(),
                "release": served.release().to_string(),
                "development": served.is_development(),
            })),
            "browser": file.map(|file| json!({
                "version": file.version,
                "release": file.release.to_string(),
                "development": file.development,
                "artifact": file.artifact.to_string(),
                "bytes": file.bytes,
            })),
            "samples": shelf.samples(name).is_some(),
        })
    };
    let described: Vec<Value> = all.into_iter().map(describe).collect();
    ok(&json!({
        "fleet": shelf.fleet,
        "device": shelf.device,
        "managed": shelf.managed,
        "models": described,
    }))
}

async fn browser_file(
    State(Kept { shelf, .. }): State<Kept>,
    Path(model): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let file = shelf.files().get(&model).ok_or(Refusal::NoPageFile { model })?;
    let tag = tag(file.release);
    if asks_for(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let bytes = read(&file.path).await?;
    let kind = "application/octet-stream".to_owned();
    let own = [(header::CONTENT_TYPE, kind), (header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned())];
    Ok((own, bytes).into_response())
}

async fn samples(State(Kept { models, shelf }): State<Kept>, Path(model): Path<String>) -> Result<Response, Refusal> {
    // Only the name of a model may become part of a file's path.
    let known = shelf.files().contains_key(&model) || models.get(&model).is_some();
    let path = shelf.samples(&model).filter(|_| known).ok_or(Refusal::NoSamples { model })?;
    let length = tokio::fs::metadata(&path).await.map_err(|source| unreadable(&path, source))?.len();
    if length > MAX_SAMPLES {
        return Err(Refusal::Recording { limit: MAX_SAMPLES, got: length });
    }
    let own = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((own, read(&path).await?).into_response())
}

async fn keys(State(Kept { shelf, .. }): State<Kept>) -> Response {
    let own = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (own, shelf.keys.clone()).into_response()
}

async fn read(path: &FilePath) -> Result<Vec<u8>, Refusal> {
    tokio::fs::read(path).await.map_err(|source| unreadable(path, source))
}

/// An asker learns the file's name and not where this machine keeps it.
fn unreadable(path: &FilePath, source: std::io::Error) -> Refusal {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Refusal::Unreadable { file, source }
}

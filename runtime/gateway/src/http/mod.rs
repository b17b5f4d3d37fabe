//! HTTP: health, metadata and JSON inference of the Open Inference Protocol version 2, `/metrics`, and a web page with
//! what it asks for.
//!
//! The protocol's own documents contradict each other in places; what is chosen here works with the common clients:
//! health answers exactly 200 with a JSON body, every refusal is `application/json` with a string `error`, bodies are
//! read whatever their content type, and query strings are ignored.

mod pages;
mod refusal;
mod shelf;
mod tensor;

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

pub use pages::PagesError;

pub(crate) use pages::Pages;

use crate::directory::Shelf;
use crate::models::{Models, Served};
use refusal::Refusal;
use tensor::{Tensor, datatype};

/// The router over the models, what is kept for pages, and the page if there is one.
pub(crate) fn router(models: &Arc<Models>, shelf: Shelf, pages: Option<Pages>, max_body_bytes: usize) -> Router {
    let pages = pages.map(Arc::new);
    let page = move |method: Method, uri: Uri, headers: HeaderMap| {
        ready(match &pages {
            Some(pages) => pages.answer(&method, &uri, &headers),
            None => Refusal::NoRoute.into_response(),
        })
    };
    inference(Arc::clone(models))
        .merge(shelf::router(Arc::clone(models), shelf))
        .fallback(page)
        .method_not_allowed_fallback(|| async { Refusal::NoRoute })
        .layer(DefaultBodyLimit::max(max_body_bytes))
}

fn inference(models: Arc<Models>) -> Router {
    Router::new()
        .route("/v2", get(server))
        .route("/v2/", get(server))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(server_ready))
        .route("/v2/models", get(list))
        .route("/v2/models/{model}", get(metadata))
        .route("/v2/models/{model}/ready", get(model_ready))
        .route("/v2/models/{model}/infer", post(infer))
        .route("/v2/models/{model}/versions/{version}", get(metadata))
        .route("/v2/models/{model}/versions/{version}/ready", get(model_ready))
        .route("/v2/models/{model}/versions/{version}/infer", post(infer))
        .route("/metrics", get(metrics))
        .with_state(models)
}

/// Which model a path names.
#[derive(Debug, Deserialize)]
struct Named {
    model: String,
    version: Option<String>,
}

impl Named {
    fn find(&self, models: &Models) -> Result<Arc<Served>, Refusal> {
        let unknown = || Refusal::UnknownModel { model: self.model.clone(), version: self.version.clone() };
        let served = models.get(&self.model).ok_or_else(unknown)?;
        match &self.version {
            Some(version) if *version != served.version().to_string() => Err(unknown()),
            _ => Ok(served),
        }
    }
}

async fn server() -> Response {
    let body = json!({ "name": "mote", "version": env!("CARGO_PKG_VERSION"), "extensions": [] });
    ok(&body)
}

async fn live() -> Response {
    ok(&json!({ "live": true }))
}

async fn server_ready(State(models): State<Arc<Models>>) -> Response {
    // The prose of the protocol says `live` here, its clients read `ready`.
    let ready = models.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "live": true, "ready": ready });
    if !ready {
        body["error"] = json!("no model is loaded");
    }
    answer(status, &body)
}

async fn list(State(models): State<Arc<Models>>) -> Response {
    let names: Vec<String> = models.all().iter().map(|served| served.name().to_owned()).collect();
    ok(&json!({ "models": names }))
}

async fn metadata(State(models): State<Arc<Models>>, Path(named): Path<Named>) -> Result<Response, Refusal> {
    let served = named.find(&models)?;
    let entry = served.entries().first().ok_or(Refusal::NoEntry)?;
    let describe = |ports: &[mote_host::Port]| -> Vec<Value> {
        ports
            .iter()
            .map(|port| json!({ "name": port.name, "datatype": datatype(port.dtype), "shape": port.dims }))
            .collect()
    };
    Ok(ok(&json!({
        "name": served.name(),
        "versions": [served.version().to_string()],
        "platform": "mote_wasm",
        "inputs": describe(&entry.inputs),
        "outputs": describe(&entry.outputs),
    })))
}

async fn model_ready(State(models): State<Arc<Models>>, Path(named): Path<Named>) -> Result<Response, Refusal> {
    let served = named.find(&models)?;
    Ok(ok(&json!({ "name": served.name(), "ready": true })))
}

/// The parts of an inference request that this server reads; anything else is ignored, as the protocol asks.
#[derive(Debug, Deserialize)]
struct Request {
    id: Option<String>,
    inputs: Vec<Tensor>,
    #[serde(default)]
    outputs: Vec<Wanted>,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    name: String,
}

async fn infer(
    State(models): State<Arc<Models>>,
    Path(named): Path<Named>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, Refusal> {
    let served = named.find(&models)?;
    let body = body.map_err(|rejection| Refusal::Body { status: rejection.status(), why: rejection.body_text() })?;
    let request: Request = serde_json::from_slice(&body).map_err(|e| Refusal::Json { why: e.to_string() })?;
    let entry = served.entry_for(|entry| tensor::fits(&request.inputs, &entry.inputs)).unwrap_or(0);
    let inputs = tensor::inputs(request.inputs, &served, entry)?;
    let wanted = wanted(&request.outputs, &served, entry)?;

    let worker = Arc::clone(&served);
    let run = tokio::task::spawn_blocking(move || {
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        worker.infer(entry, &inputs)
    });
    let outputs = run.await.map_err(|_| Refusal::Shutdown)?.map_err(Refusal::Infer)?;
    let ports = &served.entries()[entry as usize].outputs;
    let outputs: Vec<Value> = wanted.into_iter().map(|i| tensor::to_json((&ports[i]).into(), &outputs[i])).collect();

    let mut answer = json!({
        "model_name": served.name(),
        "model_version": served.version().to_string(),
        "outputs": outputs,
    });
    if let Some(id) = request.id {
        answer["id"] = Value::String(id);
    }
    Ok(ok(&answer))
}

/// Indices of the outputs that the request names; all where it names none.
fn wanted(wanted: &[Wanted], served: &Served, entry: u32) -> Result<Vec<usize>, Refusal> {
    let entry = served.entries().get(entry as usize).ok_or(Refusal::NoEntry)?;
    if wanted.is_empty() {
        return Ok((0..entry.outputs.len()).collect());
    }
    let find =
        |want: &Wanted| entry.output(&want.name).ok_or_else(|| Refusal::UnknownOutput { name: want.name.clone() });
    wanted.iter().map(find).collect()
}

async fn metrics(State(models): State<Arc<Models>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], models.metrics().text()).into_response()
}

fn ok(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

//! From a request to its handler and back: key, form, limits, the handler, the bill, faults of the content.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Response};
use axum::middleware;
use axum::routing::any;
use serde_json::Value;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::call::{Call, query_of};
use crate::clock::month;
use crate::faults::Plan;
use crate::gate::gate;
use crate::mangle;
use crate::quota;
use crate::reply::Reply;
use crate::route::Route;
use crate::routes;
use crate::shared::Shared;
use crate::world::World;

/// Larger bodies are not read at all.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// The whole server. From the outside in: the gate, compression, the endpoints.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new().route("/v1/memory/{id}", any(serve)).fallback(serve);
    if shared.options.control {
        router = router.nest("/_control", crate::control::router());
    }
    router
        .layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), gate))
        .with_state(Arc::clone(shared))
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    id: Option<Path<String>>,
    mut request: Request,
) -> Response<Body> {
    let plan = request.extensions_mut().remove::<Plan>().unwrap_or_default();
    let mut reply = match answer(&shared, &plan, id, request).await {
        Ok(reply) | Err(reply) => reply,
    };
    mangle::content(&plan, &mut reply.body);
    let bytes = mangle::text(&plan, reply.bytes());
    reply.into_response(bytes)
}

async fn answer(
    shared: &Shared,
    plan: &Plan,
    id: Option<Path<String>>,
    request: Request,
) -> Result<Reply, Reply> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let route = Route::of(&head.method, path);
    if route == Route::Other || route == Route::Control {
        let known = ["GET", "POST", "PUT", "DELETE"]
            .iter()
            .filter_map(|method| method.parse().ok())
            .any(|method| !matches!(Route::of(&method, path), Route::Other | Route::Control));
        return Err(if known {
            Reply::detail(405, "Method Not Allowed")
        } else {
            Reply::detail(404, "Not Found")
        });
    }
    let account = shared.account_of(&head.headers, route)?;
    let body = read(&head.headers, matches!(head.method.as_str(), "POST" | "PUT"), body).await?;
    let call = Call {
        options: &shared.options,
        plan,
        account,
        id: id.map(|Path(id)| id).unwrap_or_default(),
        query: query_of(head.uri.query().unwrap_or_default()),
        body,
        now: shared.clock.now(),
    };
    settle(&call, route, &mut shared.world())
}

async fn read(headers: &HeaderMap, wanted: bool, body: Body) -> Result<Value, Reply> {
    if !wanted {
        return Ok(Value::Null);
    }
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        let error = "Unsupported media type. Content-Type must be application/json";
        return Err(Reply::envelope(415, error, Value::Null));
    }
    let too_large = |_| Reply::envelope(413, "Request body too large", Value::Null);
    let bytes = to_bytes(body, BODY_LIMIT).await.map_err(too_large)?;
    match serde_json::from_slice(&bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => {
            Err(Reply::invalid(&["body"], "Input should be a valid dictionary", "model_attributes_type"))
        }
        Err(error) => Err(Reply::invalid(&["body"], &format!("JSON decode error: {error}"), "json_invalid")),
    }
}

/// The handler between the limits and the bill: what is refused costs nothing.
pub(crate) fn settle(call: &Call<'_>, route: Route, world: &mut World) -> Result<Reply, Reply> {
    let items = call.body.get("memories").and_then(Value::as_array).map_or(1, |items| items.len() as u64);
    let meter = &mut world.account(&call.account).meter;
    meter.admit(call.now)?;
    meter.afford(quota::cost(route, items), &month(call.now))?;
    let reply = match route {
        Route::Tiers => routes::tiers(call, world),
        Route::Delta => routes::delta(call, world),
        Route::Add => routes::add(call, world),
        Route::Batch => routes::batch(call, world),
        Route::Get => routes::get(call, world),
        Route::Update => routes::update(call, world),
        Route::Delete => routes::delete(call, world),
        Route::Search => routes::search(call, world),
        Route::Feedback => routes::feedback(call, world),
        Route::User => routes::user(call),
        Route::OmoExport => routes::omo_export(call, world),
        Route::OmoImport => routes::omo_import(call, world),
        Route::Other | Route::Control => Err(Reply::detail(404, "Not Found")),
    }?;
    world.spend(&call.account, quota::cost(route, reply.items), call.now)?;
    Ok(reply)
}

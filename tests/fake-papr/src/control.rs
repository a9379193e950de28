//! `/_control/…`: the strings of the library by hand, for `curl`. Open only with `--control`; no key is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::Response;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::faults::Script;
use crate::oracle::Oracle;
use crate::quota::Limits;
use crate::record::{Edit, NewMemory, Place, Record};
use crate::reply::Reply;
use crate::shared::Shared;
use crate::world::{Hand, More};

type App = State<Arc<Shared>>;

impl IntoResponse for Reply {
    fn into_response(self) -> Response<axum::body::Body> {
        let bytes = self.bytes();
        Reply::into_response(self, bytes)
    }
}

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/oracle", get(oracle))
        .route("/requests", get(requests))
        .route("/faults", put(faults))
        .route("/limits", put(limits))
        .route("/memories", get(memories).post(add))
        .route("/memories/{id}", put(edit).delete(delete))
        .route("/memories/{id}/move", post(move_tier))
}

/// `?account=` where there are several; otherwise the first.
#[derive(Debug, Deserialize)]
struct Whose {
    account: Option<String>,
}

impl Whose {
    fn name(self, shared: &Shared) -> String {
        let first = || shared.options.keys.first().map(|(_, account)| account.clone()).unwrap_or_default();
        self.account.unwrap_or_else(first)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| Reply::detail(400, &error.to_string()))
}

fn json_of(value: impl serde::Serialize) -> Reply {
    Reply::new(200, serde_json::to_value(value).unwrap_or_default())
}

async fn oracle(State(shared): App) -> Reply {
    json_of(Oracle { entries: shared.world().entries.clone() })
}

async fn requests(State(shared): App) -> Reply {
    json_of(shared.requests.all())
}

async fn faults(State(shared): App, body: Bytes) -> Result<Reply, Reply> {
    let script: Script = parse(&body)?;
    script.check().map_err(|error| Reply::detail(400, &error.to_string()))?;
    let rules = script.faults.len();
    shared.faults.set(script);
    Ok(json_of(json!({ "rules": rules })))
}

async fn limits(State(shared): App, Query(whose): Query<Whose>, body: Bytes) -> Result<Reply, Reply> {
    let limits: Limits = parse(&body)?;
    shared.set_limits(&whose.name(&shared), limits);
    Ok(json_of(limits))
}

async fn memories(State(shared): App, Query(whose): Query<Whose>) -> Reply {
    let name = whose.name(&shared);
    let world = shared.world();
    let list: BTreeMap<&String, &Record> =
        world.known(&name).into_iter().flat_map(|account| &account.memories).collect();
    json_of(list)
}

async fn add(State(shared): App, Query(whose): Query<Whose>, body: Bytes) -> Result<Reply, Reply> {
    let memory: NewMemory = parse(&body)?;
    let name = whose.name(&shared);
    let mut world = shared.world();
    if memory.id.as_deref().is_some_and(|id| world.get(&name, id).is_some()) {
        return Err(Reply::detail(409, "There is a memory with this id"));
    }
    Ok(json_of(world.create(Hand::server(&name, shared.clock.now()), memory, More::default())?))
}

fn found(changed: Option<Record>) -> Result<Reply, Reply> {
    changed.map(json_of).ok_or_else(|| Reply::detail(404, "Memory not found"))
}

async fn edit(
    State(shared): App,
    Path(id): Path<String>,
    whose: Query<Whose>,
    body: Bytes,
) -> Result<Reply, Reply> {
    let edit: Edit = parse(&body)?;
    let name = whose.0.name(&shared);
    found(shared.world().update(Hand::server(&name, shared.clock.now()), &id, edit)?)
}

async fn delete(State(shared): App, Path(id): Path<String>, whose: Query<Whose>) -> Result<Reply, Reply> {
    let name = whose.0.name(&shared);
    found(shared.world().delete(Hand::server(&name, shared.clock.now()), &id)?)
}

/// `{"place":"tier0"}`
async fn move_tier(
    State(shared): App,
    Path(id): Path<String>,
    whose: Query<Whose>,
    body: Bytes,
) -> Result<Reply, Reply> {
    let place: BTreeMap<String, Value> = parse(&body)?;
    let place: Place = serde_json::from_value(place.get("place").cloned().unwrap_or_default())
        .map_err(|error| Reply::detail(400, &error.to_string()))?;
    let name = whose.0.name(&shared);
    found(shared.world().move_to(Hand::server(&name, shared.clock.now()), &id, place)?)
}

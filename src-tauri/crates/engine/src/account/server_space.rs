//! Papr's own vectors: a space beside those that are made here, kept when asked for.
//!
//! Nothing is searched in it until a model here is measured to make the same vectors, see `server_match`. What it is good
//! for without one is comparing memories with each other.

use std::collections::HashMap;

use papr_embed::SpaceMatch;
use papr_memory::ports::{Store, SyncStore, VectorRecord};
use papr_memory::{CancelToken, Dims, Fingerprint, MemoryId, Parts, Space, Vector};
use papr_sync::{EmbeddingFormat, PaprRemote};
use serde::{Deserialize, Serialize};

use super::server_match::{self, Known};
use crate::engine::Shared;
use crate::model;
use crate::settings::ServerVectors;
use crate::{Engine, Error};

/// Papr's name of its model, whose vectors have 2,560 numbers; the length is taken from what comes.
const MODEL: &str = "Qwen4B";

/// What there is of Papr's own vectors, and what they are good for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerSpace {
    /// Whether they are fetched, and in what form.
    pub form: ServerVectors,
    /// How many are kept.
    pub count: usize,
    /// Bytes they take in the store.
    pub bytes: u64,
    /// Their length, once some came.
    pub dims: Option<u16>,
    /// The length of the vectors of the model that serves, or will once it is loaded; none without a model.
    pub model_dims: Option<u16>,
    /// How they agree with those of the model that serves, once that was measured.
    pub measured: Option<SpaceMatch>,
    /// Whether searches use them, or will once a model is loaded, so that what has one was not embedded here.
    pub in_use: bool,
}

impl ServerSpace {
    /// One sentence for people: what there is, what was measured, and whether it is searched.
    pub fn describe(&self) -> String {
        if self.form == ServerVectors::Off {
            return "Papr's own are not fetched".to_owned();
        }
        let kept = format!("{} of Papr's own, {:.1} MB", self.count, self.bytes as f64 / 1e6);
        let found = match (self.dims, self.model_dims, &self.measured) {
            (None, ..) => "they come with the next whole sync".to_owned(),
            (Some(_), None, _) => "there is no model to compare them with".to_owned(),
            (Some(theirs), Some(own), _) if theirs != own => {
                format!("not the same space: {theirs} numbers, and {own} of the model that serves")
            }
            (_, _, Some(measured)) => measured.describe(),
            _ => "not compared with those of the model that serves yet".to_owned(),
        };
        let used = if self.in_use { "searches use them" } else { "searches do not use them" };
        format!("{kept}; {found}; {used}")
    }
}

/// The space of vectors of this length that the server sends in this form.
pub(super) fn space(form: ServerVectors, dims: Dims) -> Option<Space> {
    let name = match form {
        ServerVectors::Off => return None,
        ServerVectors::Int8 => "int8",
        ServerVectors::Float => "float",
    };
    Some(Space { fingerprint: Fingerprint::of_server(MODEL, name, dims), dims })
}

/// Whether a space holds the server's vectors: it is no left-over of a model that was used here.
pub(crate) fn is_one(of: &Space) -> bool {
    [ServerVectors::Int8, ServerVectors::Float].into_iter().any(|form| of_form(of, form))
}

fn of_form(of: &Space, form: ServerVectors) -> bool {
    space(form, of.dims).as_ref() == Some(of)
}

/// Whether the server's vectors are to come along.
pub(crate) fn is_wanted(shared: &Shared) -> bool {
    shared.settings().server_vectors != ServerVectors::Off
}

/// Has the server's vectors come along, if they are wanted.
pub(crate) fn wanted(shared: &Shared, remote: PaprRemote) -> PaprRemote {
    match shared.settings().server_vectors {
        ServerVectors::Off => remote,
        ServerVectors::Int8 => remote.with_embeddings(EmbeddingFormat::Int8),
        ServerVectors::Float => remote.with_embeddings(EmbeddingFormat::Float32),
    }
}

/// Keeps vectors that came, of memories whose text is still the one that Papr has. A vector that fails its checks is
/// left out and counted in the log.
pub(crate) fn keep(shared: &Shared, account: &str, vectors: Vec<(String, Vec<f32>)>) -> Result<usize, Error> {
    let dims = vectors.first().and_then(|(_, values)| Dims::new(u16::try_from(values.len()).ok()?));
    let form = shared.settings().server_vectors;
    let Some(space) = dims.and_then(|dims| space(form, dims)) else {
        return Ok(0);
    };
    let mut links: HashMap<String, (MemoryId, Option<u64>)> = HashMap::new();
    for link in shared.store.links(account)? {
        let text = link.agreed.map(|agreed| agreed.remote.content);
        links.extend(link.remote.map(|remote| (remote, (link.id, text))));
    }
    let (mut records, mut bad) = (Vec::new(), 0);
    for (remote, values) in vectors {
        let Some(&(id, text)) = links.get(&remote) else { continue };
        let Some(memory) = shared.store.get(id)? else { continue };
        if text != Some(Parts::text(memory.content.as_str())) {
            continue;
        }
        match Vector::new(values, space.dims) {
            Ok(vector) => records.push(VectorRecord { id, content: memory.content, vector }),
            Err(_) => bad += 1,
        }
    }
    if bad > 0 {
        tracing::warn!(bad, "vectors from Papr failed their checks");
    }
    if records.is_empty() {
        return Ok(0);
    }
    // Before them, so that no measurement outlives what it is of even if this is the last thing the app does; after them,
    // because one may have been made of a part.
    let unmeasured = Known::new(form, space.dims);
    unmeasured.keep(shared)?;
    let mut kept = 0;
    for batch in records.chunks(64) {
        let _writer = shared.writer();
        kept += shared.store.put_vectors(&space, batch)?;
    }
    unmeasured.keep(shared)?;
    shared.queue.look_at_server();
    Ok(kept)
}

impl Engine {
    /// Chooses whether Papr's own vectors are fetched too. What another choice had kept is removed; memories that were
    /// found by it are embedded here.
    pub fn set_server_vectors(&self, form: ServerVectors) -> Result<(), Error> {
        let shared = &self.shared;
        if shared.settings().server_vectors != form {
            shared.change_settings(|settings| settings.server_vectors = form)?;
            Known::forget(shared)?;
            shared.queue.look_at_server();
        }
        for info in shared.store.spaces()? {
            if is_one(&info.space) && !of_form(&info.space, form) {
                shared.store.remove_space(&info.space, &CancelToken::new())?;
            }
        }
        if form != ServerVectors::Off {
            shared.papr.note(|desk| desk.whole = true);
        }
        Ok(())
    }

    /// How many of Papr's own vectors are kept.
    pub fn server_vectors(&self) -> Result<usize, Error> {
        let kept = self.shared.store.spaces()?.into_iter().filter(|info| is_one(&info.space));
        Ok(kept.map(|info| info.count).sum())
    }

    /// What there is of Papr's own vectors, and what they are good for.
    pub fn server_space(&self) -> Result<ServerSpace, Error> {
        let shared = &self.shared;
        let known = Known::of(shared)?;
        let kept = shared.store.spaces()?.into_iter().filter(|info| is_one(&info.space));
        let (count, bytes) =
            kept.fold((0, 0), |(count, bytes), info| (count + info.count, bytes + info.bytes));
        let wanted = || model::wanted(shared).ok().map(|model| model.manifest().space());
        let with = shared.model.get().map(|embedder| embedder.space().clone()).or_else(wanted);
        let measured = known.as_ref().zip(with.as_ref()).and_then(|(known, with)| known.measured(with));
        let as_read = shared.catalog().vectors.as_ref().map(|vectors| vectors.beside.is_some());
        let in_use = match (as_read, &with) {
            (Some(in_use), _) => in_use,
            (None, Some(with)) => server_match::taken_over(shared, with)?.is_some(),
            (None, None) => false,
        };
        Ok(ServerSpace {
            form: shared.settings().server_vectors,
            count,
            bytes,
            dims: known.map(|known| known.dims.into()),
            model_dims: with.map(|with| with.dims.into()),
            measured,
            in_use,
        })
    }
}

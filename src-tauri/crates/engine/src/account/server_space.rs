//! Papr's own vectors: a space beside those that are made here, kept when asked for.
//!
//! Nothing is searched in it until a model here is measured to make the same vectors. What it is good for without one is
//! comparing memories with each other.

use std::collections::HashMap;

use papr_embed::{Agreement, SpaceMatch};
use papr_memory::ports::{Lane, Role, Store, SyncStore, VectorRecord};
use papr_memory::{CancelToken, Dims, Fingerprint, Memory, MemoryId, Parts, Space, Vector};
use papr_sync::{EmbeddingFormat, PaprRemote};

use crate::engine::Shared;
use crate::settings::ServerVectors;
use crate::{Engine, Error};

/// Papr's name of its model, whose vectors have 2,560 numbers; the length is taken from what comes.
const MODEL: &str = "Qwen4B";
/// Memories by which the spaces are compared.
const SAMPLE: usize = 8;

/// The space of vectors of this length that the server sends in this form.
fn space(form: ServerVectors, dims: Dims) -> Option<Space> {
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
    let Some(space) = dims.and_then(|dims| space(shared.settings().server_vectors, dims)) else {
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
    let mut kept = 0;
    for batch in records.chunks(64) {
        let _writer = shared.writer();
        kept += shared.store.put_vectors(&space, batch)?;
    }
    Ok(kept)
}

impl Engine {
    /// Chooses whether Papr's own vectors are fetched too. What another choice had kept is removed.
    pub fn set_server_vectors(&self, form: ServerVectors) -> Result<(), Error> {
        let shared = &self.shared;
        shared.change_settings(|settings| settings.server_vectors = form)?;
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

    /// Measures whether the model that serves makes the vectors that Papr made: embeds a handful of memories anew and
    /// compares. None if there is nothing to compare, or the lengths differ, so that it cannot be.
    pub fn match_server_space(&self, cancel: &CancelToken) -> Result<Option<SpaceMatch>, Error> {
        let shared = &self.shared;
        let form = shared.settings().server_vectors;
        let Some(embedder) = shared.model.get() else { return Ok(None) };
        let Some(space) = space(form, embedder.space().dims) else { return Ok(None) };
        let mut theirs: Vec<(MemoryId, Vector)> = Vec::new();
        shared.store.vectors(&space, &mut |id, vector| {
            if theirs.len() < SAMPLE {
                theirs.push((id, vector));
            }
        })?;
        let mut pairs: Vec<(Memory, Vector)> = Vec::new();
        for (id, vector) in theirs {
            pairs.extend(shared.shown(id)?.map(|memory| (memory, vector)));
        }
        let texts: Vec<&str> = pairs.iter().map(|(memory, _)| memory.content.as_str()).collect();
        let ours = embedder.embed(&texts, Role::Document, Lane::Background, cancel)?;
        let ours = ours.vectors.into_iter().collect::<Result<Vec<_>, _>>()?;
        let pairs: Vec<(&[f32], &[f32])> =
            ours.iter().zip(&pairs).map(|(ours, (_, theirs))| (ours.as_slice(), theirs.as_slice())).collect();
        Ok(Agreement::of(&pairs).ok().map(Agreement::decide))
    }
}

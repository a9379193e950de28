//! The model's worker: loads the model, reads its vectors, embeds what has none, and goes over to another
//! model when one was chosen.

use std::time::Duration;

use papr_memory::ports::{EmbedError, Embedder, Lane, Role, Store, VectorRecord};
use papr_memory::{Memory, MemoryId};

use crate::account::server_match;
use crate::catalog::Vectors;
use crate::engine::Shared;
use crate::model::Serving;
use crate::queue::Work;
use crate::switch::Switch;
use crate::{Code, Error, IndexState, ModelState, Problem, model};

/// Memories embedded between two writes to the store: few enough that a stop loses little work, enough that
/// a flush weighs nothing.
pub(crate) const EMBED_BATCH: usize = 64;

/// How long the disk is given to recover before vectors are written again.
const DISK_RETRY: Duration = Duration::from_secs(20);

/// Until the engine stops, or the model fails and nobody chose anything meanwhile.
pub(crate) fn run(shared: &Shared) {
    loop {
        work(shared);
        if shared.stop.is_cancelled() || !shared.queue.is_chosen() || shared.claim_model().is_none() {
            return;
        }
    }
}

fn work(shared: &Shared) {
    let mut serving = match begin(shared) {
        Ok(serving) => serving,
        Err(error) => return fail(shared, &error),
    };
    find_best_device(shared, &mut serving);
    let mut switch = Switch::begin(shared, &serving);
    loop {
        match shared.queue.next(EMBED_BATCH, switch.is_some()) {
            Work::Stop => return,
            Work::Choice => {
                if let Err(error) = run_as_chosen(shared, &mut serving) {
                    return fail(shared, &error);
                }
                switch = Switch::begin(shared, &serving);
            }
            Work::Server => {
                if let Err(error) = server_match::settle_serving(shared, serving.embedder.as_ref()) {
                    wait_for_disk(shared, &error);
                }
            }
            Work::Embed(ids) => match serve(shared, serving.embedder.as_ref(), &ids) {
                Err(error @ Error::Store(_)) => wait_for_disk(shared, &error),
                Err(error) => return fail(shared, &error),
                Ok(()) => {}
            },
            Work::Build => match switch.take().map(|switch| switch.step(shared, &serving)) {
                Some(Ok(Step::On(rest))) => switch = Some(rest),
                Some(Ok(Step::Done(new))) => serving = new,
                Some(Err(error)) => crate::switch::fail(shared, &error),
                None => {}
            },
        }
    }
}

/// Tries the devices there are, if that was not done yet.
fn find_best_device(shared: &Shared, serving: &mut Serving) {
    if !serving.devices.wants_trial() {
        return;
    }
    match model::try_devices(shared, serving) {
        Ok(()) => announce(shared, serving),
        // The CPU, whose vectors all others are compared with, goes on.
        Err(error) => tracing::error!(%error, "devices could not be tried"),
    }
}

/// Loads the model that serves anew if another device was chosen for it, or another time in memory. The one that is
/// there serves meanwhile, and goes on if the other cannot be loaded. An error if none is to serve any more.
fn run_as_chosen(shared: &Shared, serving: &mut Serving) -> Result<(), Error> {
    match model::load_anew(shared, serving) {
        Ok(None) => {}
        Ok(Some(anew)) => {
            *serving = anew;
            model::note_serving(shared, serving)?;
            announce(shared, serving);
            find_best_device(shared, serving);
        }
        Err(error @ Error::SwitchedOff) => {
            shared.model.clear();
            return Err(error);
        }
        Err(error) => tracing::error!(%error, "the model goes on as it was loaded before"),
    }
    Ok(())
}

/// Whether a change of model goes on or is over.
pub(crate) enum Step {
    /// There is more to do.
    On(Switch),
    /// This model serves now.
    Done(Serving),
}

/// Loads the model that serves and reads its vectors.
fn begin(shared: &Shared) -> Result<Serving, Error> {
    model::shelf::tidy(shared);
    let serving = model::load_serving(shared)?;
    let mut stream = shared.status.subscribe();
    let indexed = pollster::block_on(stream.wait_for(|status| status.index != IndexState::Building));
    drop(indexed);
    read_vectors(shared, serving.embedder.as_ref())?;
    model::note_serving(shared, &serving)?;
    server_match::settle_serving(shared, serving.embedder.as_ref())?;
    announce(shared, &serving);
    Ok(serving)
}

/// Searches use this from now on.
fn announce(shared: &Shared, serving: &Serving) {
    shared.model.set(serving);
    shared.publish(|status| serving.tell(&mut status.model));
}

/// Embeds a batch for the model that serves. An error ends search by meaning; one of the disk alone does not.
fn serve(shared: &Shared, embedder: &dyn Embedder, ids: &[MemoryId]) -> Result<(), Error> {
    shared.publish(|_| {});
    match embed_what_can_be(shared, embedder, ids) {
        Ok(unembeddable) => {
            shared.queue.done(ids, unembeddable);
            shared.publish(|status| {
                if status.index != IndexState::Failed {
                    status.problem = None;
                }
            });
            Ok(())
        }
        Err(error) => {
            shared.queue.put_back(ids);
            if !matches!(error, Error::Store(_)) {
                shared.model.clear();
            }
            Err(error)
        }
    }
}

/// Embeds these memories and keeps their vectors; returns those of which no good vector could be made. If that
/// is all of them, it is the model's fault and an error.
pub(crate) fn embed_what_can_be(
    shared: &Shared,
    embedder: &dyn Embedder,
    ids: &[MemoryId],
) -> Result<Vec<MemoryId>, Error> {
    let error = match embed(shared, embedder, ids) {
        Err(error @ Error::Embed(EmbedError::Run(_))) => error,
        done => return done,
    };
    let mut unembeddable = Vec::new();
    for &id in ids {
        match embed(shared, embedder, &[id]) {
            Ok(refused) => unembeddable.extend(refused),
            Err(Error::Embed(EmbedError::Run(_))) => unembeddable.push(id),
            Err(other) => return Err(other),
        }
    }
    if unembeddable.len() == ids.len() { Err(error) } else { Ok(unembeddable) }
}

/// The disk's fault, not the model's: what has a vector is still found by meaning, and the rest is tried again.
fn wait_for_disk(shared: &Shared, error: &Error) {
    tracing::error!(%error, "vectors cannot be kept");
    shared.publish(|status| status.problem = Some(Problem::from(error)));
    shared.queue.rest(DISK_RETRY);
}

fn fail(shared: &Shared, error: &Error) {
    if error.code() == Code::Cancelled {
        return; // The engine is stopping, and nobody failed.
    }
    tracing::error!(%error, "no search by meaning");
    shared.publish(|status| {
        status.model.state = ModelState::Failed;
        status.model.problem = Some(Problem::from(error));
    });
}

/// Reads the vectors of a model into the catalogue, as those that serve, and those of Papr's that are searched with it.
pub(crate) fn read_vectors(shared: &Shared, embedder: &dyn Embedder) -> Result<(), Error> {
    // Under the writer's lock: a vector must not meet a text that was edited since.
    let _writer = shared.writer();
    let beside = server_match::taken_over(shared, embedder.space())?;
    let place_of = |id| shared.catalog().place(id);
    let (vectors, bad) = Vectors::read(embedder.space(), beside, &shared.store, place_of)?;
    if bad > 0 {
        tracing::warn!(bad, "vectors failed their checks and are made again");
    }
    let mut catalog = shared.catalog_mut();
    catalog.vectors = Some(vectors);
    shared.queue.reset(catalog.without_vector(), Vec::new());
    Ok(())
}

/// Embeds these memories and keeps their vectors; returns those of which no good vector could be made.
fn embed(shared: &Shared, embedder: &dyn Embedder, ids: &[MemoryId]) -> Result<Vec<MemoryId>, Error> {
    let mut memories: Vec<Memory> = Vec::with_capacity(ids.len());
    for &id in ids {
        memories.extend(shared.store.get(id)?);
    }
    let texts: Vec<&str> = memories.iter().map(|memory| memory.content.as_str()).collect();
    let embedded = embedder.embed(&texts, Role::Document, Lane::Background, &shared.stop)?;
    let (mut records, mut unembeddable) = (Vec::with_capacity(memories.len()), Vec::new());
    for (memory, vector) in memories.into_iter().zip(embedded.vectors) {
        match vector {
            Ok(vector) => records.push(VectorRecord { id: memory.id, content: memory.content, vector }),
            Err(error) => {
                tracing::error!(id = %memory.id, %error, "a bad vector was refused");
                unembeddable.push(memory.id);
            }
        }
    }
    let _writer = shared.writer();
    let kept = shared.store.put_vectors(embedder.space(), &records)?;
    if kept < records.len() {
        // An edit since the texts were read has put its memory into the queue again.
        let mut current = Vec::with_capacity(kept);
        for record in records {
            if shared.store.get(record.id)?.is_some_and(|memory| memory.content == record.content) {
                current.push(record);
            }
        }
        records = current;
    }
    let mut catalog = shared.catalog_mut();
    for record in &records {
        catalog.put_vector(embedder.space(), record.id, &record.vector);
    }
    Ok(unembeddable)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use papr_memory::ports::Embedded;
    use papr_memory::{CancelToken, Dims, Space, Tier, Vector};

    use super::*;
    use crate::{Config, Engine, NewMemory, Resources};

    /// A model whose vectors are what a test says; fails as a whole at run number `fails_at`.
    struct Faulty {
        space: Space,
        fails_at: usize,
        runs: AtomicUsize,
    }

    impl Faulty {
        fn new(fails_at: usize) -> Self {
            let fingerprint = serde_json::from_value("0123456789abcdef".repeat(4).into()).unwrap();
            let space = Space { fingerprint, dims: Dims::new(4).unwrap() };
            Self { space, fails_at, runs: AtomicUsize::new(0) }
        }
    }

    impl Embedder for Faulty {
        fn space(&self) -> &Space {
            &self.space
        }

        fn embed(&self, texts: &[&str], _: Role, _: Lane, _: &CancelToken) -> Result<Embedded, EmbedError> {
            if self.runs.fetch_add(1, Ordering::Relaxed) + 1 == self.fails_at {
                return Err(EmbedError::Run("the device was lost".to_owned()));
            }
            let numbers = |text: &&str| match *text {
                "not a number" => vec![f32::NAN, 0.0, 0.0, 1.0],
                "zeros" => vec![0.0; 4],
                "short" => vec![0.6, 0.8],
                "long" => vec![2.0, 0.0, 1.0, 0.0],
                _ => vec![0.6, 0.0, 0.8, 0.0],
            };
            let vectors = texts.iter().map(|text| Vector::new(numbers(text), self.space.dims)).collect();
            Ok(Embedded { vectors, tokenize: Duration::ZERO, run: Duration::ZERO })
        }

        fn provider(&self) -> &'static str {
            "fault"
        }

        fn load_time(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn engine(texts: &[&str]) -> (tempfile::TempDir, Engine, Vec<MemoryId>) {
        let folder = tempfile::tempdir().unwrap();
        let resources = Resources::in_folder(Path::new("/nowhere"));
        let engine = Engine::open(Config::new(folder.path().join("data"), resources)).unwrap();
        engine.start_index().unwrap();
        engine.wait_index().unwrap();
        let add = |content: &&str| {
            let new = NewMemory {
                content: (*content).to_owned(),
                tier: Some(Tier::Memories),
                ..NewMemory::default()
            };
            engine.add(new).unwrap().id
        };
        let ids = texts.iter().map(add).collect();
        (folder, engine, ids)
    }

    /// The ids with a vector in the store, which sorts them: those of one millisecond do not come as they were made.
    fn kept(engine: &Engine, space: &Space) -> BTreeSet<MemoryId> {
        let mut ids = BTreeSet::new();
        engine.shared.store.vectors(space, &mut |id, _| assert!(ids.insert(id), "once a memory")).unwrap();
        ids
    }

    #[test]
    fn bad_vectors_are_never_kept_and_the_good_ones_beside_them_are() {
        let texts = ["good", "not a number", "zeros", "better", "short", "long"];
        let (_folder, engine, ids) = engine(&texts);
        let model = Faulty::new(0);
        read_vectors(&engine.shared, &model).unwrap();
        let refused = embed_what_can_be(&engine.shared, &model, &ids).unwrap();
        assert_eq!(refused, [ids[1], ids[2], ids[4], ids[5]], "each bad vector is told with its memory");
        assert_eq!(kept(&engine, &model.space), BTreeSet::from([ids[0], ids[3]]), "and none of them is kept");
        engine.shared.queue.done(&ids, refused);
        engine.shared.publish(|_| {});
        let status = engine.status();
        assert_eq!((status.unembeddable, status.pending), (4, 0), "the person is told how many");
    }

    #[test]
    fn a_run_that_fails_once_loses_nothing() {
        let (_folder, engine, ids) = engine(&["one", "two", "three"]);
        let model = Faulty::new(1);
        read_vectors(&engine.shared, &model).unwrap();
        let refused = embed_what_can_be(&engine.shared, &model, &ids).unwrap();
        assert_eq!(refused, [], "one by one they all succeed");
        assert_eq!(kept(&engine, &model.space), BTreeSet::from_iter(ids), "and all are kept");
    }

    #[test]
    fn what_fails_with_every_text_is_the_models_fault() {
        let (_folder, engine, ids) = engine(&["only one"]);
        let model = Faulty::new(1);
        read_vectors(&engine.shared, &model).unwrap();
        // The batch of one fails, and then that text alone: a second model fails at its second run, too.
        let again = Faulty { runs: AtomicUsize::new(0), ..Faulty::new(1) };
        assert!(embed(&engine.shared, &again, &ids).is_err(), "a failing run is an error");
        assert_eq!(kept(&engine, &model.space), BTreeSet::new(), "and keeps nothing");
    }
}

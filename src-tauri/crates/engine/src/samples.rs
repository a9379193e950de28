//! Sample memories: something to search on the first day, gone in one step.

use jiff::Timestamp;
use papr_memory::ports::Store;
use papr_memory::{Content, Memory, MemoryId, Source, Tier};
use serde::Deserialize;

use crate::{Engine, Error};

const SAMPLES: &str = include_str!("../data/samples.jsonl");

/// The metadata key under which a sample memory keeps its name in the sample file.
pub(crate) const SAMPLE_KEY: &str = "sample";

#[derive(Deserialize)]
struct Sample {
    key: String,
    content: Content,
    #[serde(rename = "type")]
    kind: String,
    tier: Tier,
    topics: Vec<String>,
    created_at: Timestamp,
}

/// All sample memories, each with an id of its own.
pub(crate) fn all() -> Result<Vec<Memory>, Error> {
    SAMPLES.lines().filter(|line| !line.trim().is_empty()).map(read).collect()
}

fn read(line: &str) -> Result<Memory, Error> {
    let sample: Sample = serde_json::from_str(line)
        .map_err(|error| Error::Format { path: "samples.jsonl".into(), reason: error.to_string() })?;
    let mut memory = Memory::new(sample.content, sample.tier, sample.created_at);
    memory.kind = sample.kind;
    memory.topics = sample.topics;
    memory.source = Source::Sample;
    memory.metadata.insert(SAMPLE_KEY.to_owned(), sample.key.into());
    Ok(memory)
}

impl Engine {
    /// Adds the sample memories that are not there; returns how many were added. Needs a started index.
    pub fn add_samples(&self) -> Result<usize, Error> {
        self.wait_index()?;
        let writer = self.shared.writer();
        let here: Vec<MemoryId> = self.shared.catalog().samples().collect();
        let mut known = Vec::with_capacity(here.len());
        for id in here {
            known.extend(
                self.shared.store.get(id)?.and_then(|memory| memory.metadata.get(SAMPLE_KEY).cloned()),
            );
        }
        let mut missing = all()?;
        missing.retain(|memory| memory.metadata.get(SAMPLE_KEY).is_none_or(|key| !known.contains(key)));
        self.insert_as(&writer, &missing)?;
        Ok(missing.len())
    }

    /// Deletes the sample memories; returns how many went. One that was edited is the person's own and stays.
    pub fn remove_samples(&self) -> Result<usize, Error> {
        let ids: Vec<MemoryId> = self.shared.catalog().samples().collect();
        Ok(self.delete(&ids)?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_a_valid_memory() {
        let samples = all().unwrap();
        assert_eq!(samples.len(), 150, "the first run offers about 150");
        for tier in Tier::ALL {
            assert!(samples.iter().any(|memory| memory.tier == tier), "both tiers have something to show");
        }
    }
}

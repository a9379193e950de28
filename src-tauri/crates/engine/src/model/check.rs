//! Whether an installed model is what it says: every byte, and the vectors it makes.

use papr_embed::{Agreement, Device, Incomparable, ModelEmbedder};
use papr_memory::ports::{Embedder, Lane, Role};
use papr_memory::{CancelToken, Manifest, Precision, Vector};
use papr_models::InstalledModel;
use serde::{Deserialize, Serialize};

use super::devices::{Devices, device_choice};
use super::forms::graphs;
use super::load::{Way, load_on};
use super::shelf;
use crate::{Code, Engine, Error};

/// Reference vectors of a few texts, for models whose weights they were made with.
const REFERENCE: &str = include_str!("../../data/reference-vectors.json");

/// How far vectors may lie from the reference: rounding of half precision, and of bytes with a scale a channel.
const FLOAT_COSINE: f32 = 0.9999;
const INT8_COSINE: f32 = 0.98;

#[derive(Deserialize)]
pub(crate) struct Reference {
    weights: String,
    texts: Vec<ReferenceText>,
}

#[derive(Deserialize)]
struct ReferenceText {
    text: String,
    vector: Vec<f32>,
}

impl Reference {
    /// The texts and the vectors that came with this version.
    pub(crate) fn read() -> Result<Self, Error> {
        let wrong = |error: serde_json::Error| Error::Format {
            path: "reference-vectors.json".into(),
            reason: error.to_string(),
        };
        serde_json::from_str(REFERENCE).map_err(wrong)
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|text| text.text.as_str()).collect()
    }

    /// Compares vectors of these texts by a model; none if the reference is of other weights.
    pub(crate) fn compare(&self, manifest: &Manifest, found: &[Vector]) -> Option<Comparison> {
        if manifest.weights.as_deref() != Some(&self.weights) {
            return None;
        }
        let pairs: Vec<(&[f32], &[f32])> =
            found.iter().zip(&self.texts).map(|(ours, text)| (ours.as_slice(), &text.vector[..])).collect();
        let least = if manifest.recipe.precision == Precision::Int8 { INT8_COSINE } else { FLOAT_COSINE };
        Some(Comparison::of("the reference vectors", &pairs, least))
    }
}

/// What was found of an installed model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCheck {
    /// The model's id.
    pub model: String,
    /// Bytes that are as in its manifest: all.
    pub bytes: u64,
    /// What ran it; none if nothing did.
    pub device: Option<String>,
    /// Its vectors against others of the same texts.
    pub comparisons: Vec<Comparison>,
    /// What could not be looked at or was put right, and why; a sentence each.
    pub notes: Vec<String>,
}

impl ModelCheck {
    /// Its bytes are right; nothing else was looked at.
    pub(super) fn of_bytes(id: &str, bytes: u64) -> Self {
        Self { model: id.to_owned(), bytes, device: None, comparisons: Vec::new(), notes: Vec::new() }
    }

    /// Whether all that was compared agrees.
    pub fn is_well(&self) -> bool {
        self.comparisons.iter().all(Comparison::is_well)
    }
}

/// Vectors of the same texts, compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What they were compared with.
    pub with: String,
    /// How well they agree; none if they cannot be compared.
    pub agreement: Option<Agreement>,
    /// The least cosine that is asked for.
    pub asked: f32,
    /// Why they cannot be compared.
    pub reason: Option<String>,
}

impl Comparison {
    fn of(with: &str, pairs: &[(&[f32], &[f32])], asked: f32) -> Self {
        let with = with.to_owned();
        match Agreement::of(pairs) {
            Ok(agreement) => Self { with, agreement: Some(agreement), asked, reason: None },
            Err(wrong) => Self { with, agreement: None, asked, reason: Some(cured(&wrong)) },
        }
    }

    /// Whether they agree as well as is asked.
    pub fn is_well(&self) -> bool {
        self.agreement.is_some_and(|agreement| agreement.min_cosine >= self.asked)
    }

    /// One line for people, with the cure if they do not agree.
    pub fn describe(&self) -> String {
        let Self { with, agreement, asked, reason } = self;
        let Some(Agreement { pairs, min_cosine, mean_cosine, max_distance, .. }) = agreement else {
            return format!("against {with}: {}", reason.as_deref().unwrap_or("nothing to compare"));
        };
        let cure = if self.is_well() {
            ""
        } else {
            ": these are vectors of another recipe or of other weights; convert or fetch the model again and import it"
        };
        format!(
            "against {with}: cosine {min_cosine:.6} at least, {mean_cosine:.6} in the mean, distance {max_distance:.5} \
             at most over {pairs} texts; {asked} is asked for{cure}"
        )
    }
}

fn cured(wrong: &Incomparable) -> String {
    match wrong {
        Incomparable::Dims { .. } => format!("{wrong}: convert it again with the right recipe and import it"),
        _ => wrong.to_string(),
    }
}

impl Engine {
    /// Compares every byte of an installed model with its manifest, and its vectors with reference vectors and with those
    /// that the processor makes, over more than twenty texts. Loads it beside the one that serves. What stands in the
    /// way of the second is told, and is no error.
    ///
    /// # Errors
    /// As [`Engine::verify_model`].
    pub fn check_model(&self, id: &str, cancel: &CancelToken) -> Result<ModelCheck, Error> {
        let shared = &self.shared;
        let installed = shelf::find(shared, id)?;
        let mut check = self.verify_model(id, cancel)?;
        if let Some(packages) = installed.core_ml() {
            let path = installed.folder();
            let file = |source| Error::File { path: path.to_owned(), source };
            let stale = papr_embed::remove_stale(path, &graphs(&installed, packages)).map_err(file)?;
            if stale > 0 {
                check.notes.push(format!(
                    "{stale} bytes that Core ML compiled of another package or under another system were removed; it \
                     compiles again at the next load"
                ));
            }
        }
        match self.compare_vectors(&installed, &mut check, cancel) {
            Err(error) if error.code() != Code::Cancelled => {
                check.notes.push(format!("its vectors were not compared: {error}"));
            }
            done => done?,
        }
        Ok(check)
    }

    /// Embeds the reference texts and compares. One device is gone from memory before the next is loaded: there may be no
    /// room for two.
    fn compare_vectors(
        &self,
        installed: &InstalledModel,
        check: &mut ModelCheck,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        let shared = &self.shared;
        let way = Way::chosen(shared)?;
        let devices = Devices::of(shared, installed, device_choice(shared)?)?;
        let reference = Reference::read()?;
        let texts = reference.texts();
        let embedded_on = |device: Device| {
            let embedder = load_on(shared, &devices, way, device, device == Device::CoreMlNative)?;
            let vectors = vectors(&embedder, &texts, cancel)?;
            Ok::<_, Error>((embedder.report(), vectors))
        };
        let (report, found) = embedded_on(devices.for_form(installed))?;
        check.device = Some(report.describe());
        check.notes.extend(report.fallback.map(|reason| format!("the processor took over: {reason}")));
        match reference.compare(installed.manifest(), &found) {
            Some(comparison) => check.comparisons.push(comparison),
            None => check.notes.push("this version has no reference vectors of it".to_owned()),
        }
        if report.device == Device::Cpu {
            let alone = "the processor alone runs it here: there is no other device to compare with";
            check.notes.push(alone.to_owned());
            return Ok(());
        }
        let (_, expected) = embedded_on(Device::Cpu)?;
        let pairs: Vec<(&[f32], &[f32])> =
            found.iter().zip(&expected).map(|(ours, theirs)| (ours.as_slice(), theirs.as_slice())).collect();
        check.comparisons.push(Comparison::of("the processor", &pairs, papr_embed::LEAST_COSINE));
        Ok(())
    }
}

fn vectors(embedder: &ModelEmbedder, texts: &[&str], cancel: &CancelToken) -> Result<Vec<Vector>, Error> {
    let embedded = embedder.embed(texts, Role::Document, Lane::Background, cancel)?;
    Ok(embedded.vectors.into_iter().collect::<Result<Vec<_>, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_names_what_is_wrong_and_the_cure() {
        let good = Comparison::of("x", &[(&[1.0, 0.0], &[1.0, 0.0])], 0.9999);
        assert!(good.is_well() && !good.describe().contains("import"), "{}", good.describe());
        let other = Comparison::of("x", &[(&[1.0, 0.0], &[0.6, 0.8])], 0.9999);
        assert!(!other.is_well());
        let told = other.describe();
        assert!(
            told.contains("0.600000 at least") && told.contains("another recipe") && told.contains("import")
        );
        let dims = Comparison::of("x", &[(&[1.0, 0.0], &[1.0, 0.0, 0.0])], 0.9999);
        assert!(!dims.is_well(), "what cannot be compared does not agree");
        assert!(
            dims.describe().contains("2 numbers") && dims.describe().contains("convert"),
            "{}",
            dims.describe()
        );
    }

    #[test]
    fn the_reference_is_over_twenty_texts_and_of_one_length() {
        let reference = Reference::read().unwrap();
        assert!(reference.texts().len() > 20, "as many as an accuracy report is over");
        assert!(reference.texts.iter().all(|text| text.vector.len() == 384));
    }
}

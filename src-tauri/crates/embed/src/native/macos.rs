//! The calls to Core ML: compile, load, run, read the compute plan.
//!
//! All of it happens on one thread, which `thread` sees to; only blocks that Core ML calls when it is ready run
//! elsewhere, and they hand over paths, counts and words, never objects. Not run on any Mac so far: what was checked
//! are the types, against the bindings (`make check-mac`).
#![allow(unsafe_code)]

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::mpsc;

use block2::RcBlock;
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{AnyObject, ProtocolObject};
use objc2::{AnyThread, available};
use objc2_core_ml::{
    MLComputePlan, MLComputeUnits, MLDictionaryFeatureProvider, MLFeatureDescription, MLFeatureProvider,
    MLFeatureValue, MLModel, MLModelConfiguration, MLMultiArray, MLMultiArrayDataType,
};
use objc2_foundation::{NSArray, NSDictionary, NSError, NSInteger, NSNumber, NSString, NSURL};
use papr_memory::Recipe;

use super::packages::{Loader, Model};
use super::tensor::{self, Element, Tensor};
use super::{FixedGraph, Graphs, How, compiled, interface};
use crate::compute_plan::ComputePlan;
use crate::{Device, machine, memory};

/// The function of a package that has only one.
const MAIN: &str = "main";

/// Loads graphs with Core ML.
pub(crate) struct CoreMl {
    recipe: Recipe,
    how: How,
    system: String,
}

impl CoreMl {
    /// Removes compilations of other packages and systems that lie beside `graphs`.
    pub(crate) fn new(graphs: &Graphs, recipe: &Recipe, how: How) -> Self {
        let all: Vec<FixedGraph> = graphs.iter().cloned().collect();
        for folder in graphs.folders() {
            match compiled::remove_stale(folder, &all) {
                Ok(0) => {}
                Ok(bytes) => tracing::info!(bytes, "old compilations are removed"),
                Err(error) => tracing::warn!(%error, "old compilations could not be removed"),
            }
        }
        Self { recipe: recipe.clone(), how, system: machine::system() }
    }
}

impl Loader for CoreMl {
    type Model = CoreMlModel;

    fn load(&mut self, graph: &FixedGraph) -> Result<CoreMlModel, String> {
        autoreleasepool(|_| {
            let kept = compiled::folder(graph, &self.system);
            let configuration = configuration(graph, self.how.device)?;
            let (place, model) = match kept.is_dir().then(|| open(&kept, &configuration)) {
                Some(Ok(model)) => (kept, model),
                found => {
                    if let Some(Err(error)) = found {
                        tracing::warn!(error, "what Core ML compiled cannot be loaded; it is compiled again");
                    }
                    let place = compile(graph, kept)?;
                    let model = open(&place, &configuration)?;
                    (place, model)
                }
            };
            check(&model, graph, &self.recipe)?;
            let plan = self.how.profile.then(|| compute_plan(&place, &configuration, graph));
            let plan = plan.and_then(|plan| {
                plan.inspect_err(|error| tracing::warn!(error, "the compute plan could not be read")).ok()
            });
            Ok(CoreMlModel { model, plan })
        })
    }
}

/// A graph that Core ML has loaded.
pub(crate) struct CoreMlModel {
    model: Retained<MLModel>,
    plan: Option<ComputePlan>,
}

impl Model for CoreMlModel {
    fn run(&mut self, inputs: &[(&str, Vec<i32>)], output: &str) -> Result<Tensor, String> {
        autoreleasepool(|_| {
            let inputs = features(inputs)?;
            // SAFETY: the provider holds what the model's description asks for, which was compared when it was loaded.
            let outputs =
                unsafe { self.model.predictionFromFeatures_error(ProtocolObject::from_ref(&*inputs)) }
                    .map_err(|error| reason(&error))?;
            // SAFETY: asks an object for a value by its name.
            let value = unsafe { outputs.featureValueForName(&NSString::from_str(output)) };
            // SAFETY: asks an object for its tensor; a value of another type has none.
            let array = value.and_then(|value| unsafe { value.multiArrayValue() });
            read(&*array.ok_or_else(|| format!("the graph gave no {output}"))?)
        })
    }

    fn plan(&self) -> Option<ComputePlan> {
        self.plan
    }
}

/// The Neural Engine beside the processor, never the graphics processor, whose start costs a query more than it
/// saves; or the processor alone.
fn configuration(graph: &FixedGraph, device: Device) -> Result<Retained<MLModelConfiguration>, String> {
    let units =
        if device == Device::Cpu { MLComputeUnits::CPUOnly } else { MLComputeUnits::CPUAndNeuralEngine };
    // SAFETY: makes an object, and sets a number of it to one of its constants.
    let configuration = unsafe { MLModelConfiguration::new() };
    unsafe { configuration.setComputeUnits(units) };
    if let Some(function) = &graph.function {
        if !available!(macos = 15.0) {
            return Err("a package with several functions needs macOS 15".to_owned());
        }
        // SAFETY: the setter is there from macOS 15 on, which was looked at; it copies the text.
        unsafe { configuration.setFunctionName(Some(&NSString::from_str(function))) };
    }
    Ok(configuration)
}

/// Compiles the package and keeps the result at `kept`; where it is then. A folder that cannot be written to costs
/// the next start a compilation, and that is all.
fn compile(graph: &FixedGraph, kept: PathBuf) -> Result<PathBuf, String> {
    if let Some(free) = memory::free_disk(&graph.package).filter(|free| *free < graph.bytes) {
        let needed = graph.bytes;
        return Err(format!("compiling it needs {needed} bytes of disk, {free} are free: make room"));
    }
    tracing::info!(package = %graph.package.display(), "Core ML compiles a package");
    let (done, compiled) = mpsc::channel();
    let handler = RcBlock::new(move |place: *mut NSURL, error: *mut NSError| {
        // SAFETY: Core ML gives either pointer valid for the length of this call, or null.
        let (place, error) = unsafe { (place.as_ref(), error.as_ref()) };
        let path = place.and_then(NSURL::path).map(|path| PathBuf::from(path.to_string()));
        let _ = done.send(path.ok_or_else(|| error.map_or_else(String::new, reason)));
    });
    let url = url(&graph.package)?;
    // SAFETY: Core ML copies the block, calls it once on a thread of its own and lets go of it. The block owns a
    // sender, which any thread may use.
    unsafe { MLModel::compileModelAtURL_completionHandler(&url, &handler) };
    drop(handler);
    let temporary = compiled
        .recv()
        .map_err(|_| "Core ML did not answer".to_owned())?
        .map_err(|error| format!("Core ML cannot compile it: {error}"))?;
    match compiled::keep(&temporary, &kept) {
        Ok(()) => Ok(kept),
        Err(error) => {
            tracing::warn!(%error, "what Core ML compiled cannot be kept beside the package");
            Ok(temporary)
        }
    }
}

fn open(compiled: &Path, configuration: &MLModelConfiguration) -> Result<Retained<MLModel>, String> {
    let url = url(compiled)?;
    // SAFETY: both objects are alive; what is wrong with the files comes back as an error.
    unsafe { MLModel::modelWithContentsOfURL_configuration_error(&url, configuration) }
        .map_err(|error| format!("Core ML cannot load it: {}", reason(&error)))
}

/// Compares names and shapes of inputs and output with the recipe and the graph's length.
fn check(model: &MLModel, graph: &FixedGraph, recipe: &Recipe) -> Result<(), String> {
    // SAFETY: asks objects for objects that they own.
    let (inputs, outputs) = unsafe {
        let description = model.modelDescription();
        (description.inputDescriptionsByName(), description.outputDescriptionsByName())
    };
    interface::check(&listed(&inputs), &listed(&outputs), recipe, graph.tokens)
}

/// Names and shapes of features; a feature that is no tensor has no shape.
fn listed(features: &NSDictionary<NSString, MLFeatureDescription>) -> Vec<interface::Feature> {
    let (names, features) = features.to_vecs();
    let shape = |feature: &MLFeatureDescription| {
        // SAFETY: asks objects for objects that they own; a feature of another type has no constraint.
        unsafe { Some(whole(&feature.multiArrayConstraint()?.shape())) }
    };
    names.iter().zip(&features).map(|(name, feature)| (name.to_string(), shape(feature))).collect()
}

/// Counts where Core ML means to run the operations of the graph's function.
fn compute_plan(
    compiled: &Path,
    configuration: &MLModelConfiguration,
    graph: &FixedGraph,
) -> Result<ComputePlan, String> {
    if !available!(macos = 14.4) {
        return Err("compute plans need macOS 14.4".to_owned());
    }
    let function = graph.function.clone().unwrap_or_else(|| MAIN.to_owned());
    let (done, counted) = mpsc::channel();
    let handler = RcBlock::new(move |plan: *mut MLComputePlan, error: *mut NSError| {
        // SAFETY: Core ML gives either pointer valid for the length of this call, or null.
        let (plan, error) = unsafe { (plan.as_ref(), error.as_ref()) };
        // An answer that the bindings did not expect must not unwind into Core ML.
        let count = panic::catch_unwind(AssertUnwindSafe(|| match plan {
            Some(plan) => count(plan, &function),
            None => Err(error.map_or_else(String::new, reason)),
        }));
        let _ = done.send(count.unwrap_or_else(|_| Err("it is not as expected".to_owned())));
    });
    let url = url(compiled)?;
    // SAFETY: the class is there from macOS 14.4 on, which was looked at. Core ML copies the block, calls it once on
    // a thread of its own and lets go of it; the block owns a sender and a text, which any thread may use.
    unsafe {
        MLComputePlan::loadContentsOfURL_configuration_completionHandler(&url, configuration, &handler);
    }
    drop(handler);
    counted.recv().map_err(|_| "Core ML did not answer".to_owned())?
}

fn count(plan: &MLComputePlan, function: &str) -> Result<ComputePlan, String> {
    // SAFETY: asks objects that only this thread has for objects that they own.
    let operations = unsafe {
        let program = plan.modelStructure().program().ok_or("the package is no ML Program")?;
        let function = program
            .functions()
            .objectForKey(&NSString::from_str(function))
            .ok_or_else(|| format!("the package has no function {function}"))?;
        function.block().operations()
    };
    let mut counts = ComputePlan::default();
    for operation in &operations {
        // SAFETY: the operation is of this plan. One without a place, such as a constant, has no usage.
        let Some(usage) = (unsafe { plan.computeDeviceUsageForMLProgramOperation(&operation) }) else {
            continue;
        };
        // SAFETY: asks an object that only this thread has for an object that it owns.
        let device = unsafe { usage.preferredComputeDevice() };
        let device: &AnyObject = (*device).as_ref();
        counts.count(&device.class().name().to_string_lossy());
    }
    if counts.operations() == 0 { Err("it has no operation with a place".to_owned()) } else { Ok(counts) }
}

/// Inputs by their names, each a tensor of one row.
fn features(inputs: &[(&str, Vec<i32>)]) -> Result<Retained<MLDictionaryFeatureProvider>, String> {
    let mut names = Vec::with_capacity(inputs.len());
    let mut values = Vec::with_capacity(inputs.len());
    for (name, numbers) in inputs {
        let array = row(numbers)?;
        names.push(NSString::from_str(name));
        // SAFETY: wraps an object, which it keeps alive.
        values.push(unsafe { MLFeatureValue::featureValueWithMultiArray(&array) });
    }
    let keys: Vec<&NSString> = names.iter().map(|name| &**name).collect();
    let objects: Vec<&AnyObject> = values.iter().map(|value| -> &AnyObject { value }).collect();
    let dictionary = NSDictionary::from_slices(&keys, &objects);
    // SAFETY: every value is a feature's, as the initialiser asks for.
    unsafe {
        MLDictionaryFeatureProvider::initWithDictionary_error(
            MLDictionaryFeatureProvider::alloc(),
            &dictionary,
        )
    }
    .map_err(|error| reason(&error))
}

/// A tensor `[1, numbers]`.
fn row(numbers: &[i32]) -> Result<Retained<MLMultiArray>, String> {
    let shape = [1, numbers.len()].map(NSNumber::new_usize);
    let shape = NSArray::from_retained_slice(&shape);
    // SAFETY: makes a tensor of a shape that is not negative; its contents are written below.
    let array = unsafe {
        MLMultiArray::initWithShape_dataType_error(MLMultiArray::alloc(), &shape, MLMultiArrayDataType::Int32)
    }
    .map_err(|error| reason(&error))?;
    let written = Cell::new(false);
    let handler = RcBlock::new(|place: NonNull<std::ffi::c_void>, size: NSInteger, _| {
        if usize::try_from(size).is_ok_and(|size| size >= size_of_val(numbers)) {
            // SAFETY: there is room for as many numbers, they are of the tensor's type, and nobody else has it yet.
            // A tensor that was made by its shape alone has no gaps.
            unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), place.cast().as_ptr(), numbers.len()) };
            written.set(true);
        }
    });
    // SAFETY: the block is called before this returns, and never again.
    unsafe { array.getMutableBytesWithHandler(&handler) };
    if written.get() { Ok(array) } else { Err("Core ML gave too little room for the input".to_owned()) }
}

/// The numbers of a tensor.
fn read(array: &MLMultiArray) -> Result<Tensor, String> {
    // SAFETY: asks an object for numbers that it owns.
    let (kind, shape, strides) =
        unsafe { (array.dataType(), whole(&array.shape()), whole(&array.strides())) };
    let element = match kind {
        MLMultiArrayDataType::Float16 => Element::Half,
        MLMultiArrayDataType::Float32 => Element::Single,
        MLMultiArrayDataType::Float64 => Element::Double,
        other => return Err(format!("the graph gave numbers of type {:#x}", other.0)),
    };
    let found = Cell::new(None);
    let handler = RcBlock::new(|place: NonNull<std::ffi::c_void>, size: NSInteger| {
        // SAFETY: Core ML says that so many bytes stand there, and keeps them unchanged during this call.
        let bytes =
            unsafe { slice::from_raw_parts(place.cast::<u8>().as_ptr(), usize::try_from(size).unwrap_or(0)) };
        found.set(Some(tensor::read(bytes, element, &shape, &strides)));
    });
    // SAFETY: the block is called before this returns, and never again.
    unsafe { array.getBytesWithHandler(&handler) };
    drop(handler);
    found.take().unwrap_or_else(|| Err("the graph's output cannot be read".to_owned()))
}

fn whole(numbers: &NSArray<NSNumber>) -> Vec<i64> {
    numbers.iter().map(|number| number.as_i64()).collect()
}

fn url(folder: &Path) -> Result<Retained<NSURL>, String> {
    let path = folder.to_str().ok_or_else(|| format!("{} is no path for macOS", folder.display()))?;
    Ok(NSURL::fileURLWithPath_isDirectory(&NSString::from_str(path), true))
}

fn reason(error: &NSError) -> String {
    error.localizedDescription().to_string()
}

//! With graphs that count instead of compute.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;

use super::super::graphs::tests::{graph, recipe};
use super::*;
use crate::Device;
use crate::report::NeuralEngine;

/// What the fake was asked to do, in words.
type Diary = Rc<RefCell<Vec<String>>>;

/// Gives the sum of the ids, the sum of the mask, and the length, as a vector of norm 1. Kept from other threads
/// by its diary, as Core ML's objects are.
pub(crate) struct Fake {
    pub(crate) diary: Diary,
    pub(crate) plan: Option<ComputePlan>,
    pub(crate) broken: Option<&'static str>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self { diary: Diary::default(), plan: None, broken: None }
    }
}

pub(crate) struct FakeModel {
    tokens: u32,
    diary: Diary,
    plan: Option<ComputePlan>,
    broken: Option<&'static str>,
}

impl Loader for Fake {
    type Model = FakeModel;

    fn load(&mut self, graph: &FixedGraph) -> Result<FakeModel, String> {
        self.diary.borrow_mut().push(format!("load {}", graph.tokens));
        if self.broken == Some("load") {
            return Err("it cannot be compiled".to_owned());
        }
        let (diary, plan, broken) = (Rc::clone(&self.diary), self.plan, self.broken);
        Ok(FakeModel { tokens: graph.tokens, diary, plan, broken })
    }
}

impl Model for FakeModel {
    fn run(&mut self, inputs: &[(&str, Vec<i32>)], output: &str) -> Result<Tensor, String> {
        let [("ids", ids), ("mask", mask)] = inputs else { return Err(format!("inputs {inputs:?}")) };
        assert_eq!((ids.len(), mask.len(), output), (self.tokens as usize, self.tokens as usize, "out"));
        self.diary.borrow_mut().push(format!("run {}: {ids:?} {mask:?}", self.tokens));
        match self.broken {
            Some("run") => Err("the device is gone".to_owned()),
            Some("shape") => Ok(Tensor { shape: vec![1, 5], numbers: vec![0.0; 5] }),
            _ => Ok(Tensor { shape: vec![1, 4], numbers: vec![0.6, 0.8, 0.0, 0.0] }),
        }
    }

    fn plan(&self) -> Option<ComputePlan> {
        self.plan
    }
}

pub(crate) const HOW: How = How { device: Device::CoreMlNative, profile: false, alive: 2 };

pub(crate) fn packages(fake: Fake, lengths: &[u32]) -> Result<Packages<Fake>, EmbedError> {
    let recipe = recipe(lengths.iter().copied().max().unwrap_or(0), &json!("dynamic"));
    let graphs = Graphs::new(lengths.iter().copied().map(graph).collect(), &recipe).unwrap();
    Packages::load(fake, graphs, recipe, HOW)
}

#[test]
fn a_text_is_filled_up_on_the_right_to_the_least_length() {
    let fake = Fake::new();
    let diary = Rc::clone(&fake.diary);
    let mut packages = packages(fake, &[3, 5]).unwrap();
    assert_eq!(packages.run(&[7, 8]).unwrap(), [0.6, 0.8, 0.0, 0.0]);
    packages.run(&[1, 2, 3, 4]).unwrap();
    packages.run(&[5, 5, 5]).unwrap();
    assert_eq!(
        *diary.borrow(),
        [
            "load 3",
            "run 3: [7, 8, 9] [1, 1, 0]",
            "load 5",
            "run 5: [1, 2, 3, 4, 9] [1, 1, 1, 1, 0]",
            "run 3: [5, 5, 5] [1, 1, 1]",
        ]
    );
}

#[test]
fn two_graphs_are_in_memory_and_counted() {
    let fake = Fake::new();
    let diary = Rc::clone(&fake.diary);
    let mut packages = packages(fake, &[1, 2, 3]).unwrap();
    assert_eq!(packages.report().memory_bytes, 1001);
    for text in [&[4_u32][..], &[4, 4], &[4, 4, 4], &[4]] {
        packages.run(text).unwrap();
        assert!(packages.report().memory_bytes <= 2005);
    }
    let loads: Vec<_> = diary.borrow().iter().filter(|line| line.starts_with("load")).cloned().collect();
    assert_eq!(loads, ["load 1", "load 2", "load 3", "load 1"]);
}

#[test]
fn the_neural_engine_is_said_when_the_plan_says_so() {
    let with = |plan| packages(Fake { plan, ..Fake::new() }, &[3]).unwrap().report().neural_engine;
    assert_eq!(with(None), NeuralEngine::Allowed);
    assert_eq!(with(Some(ComputePlan { neural_engine: 0, gpu: 0, cpu: 8 })), NeuralEngine::No);
    let seen = ComputePlan { neural_engine: 371, gpu: 0, cpu: 8 };
    assert_eq!(with(Some(seen)), NeuralEngine::Seen { share: 371.0 / 379.0 });
}

#[test]
fn what_goes_wrong_is_told_with_the_package() {
    let broken = |broken| Fake { broken: Some(broken), ..Fake::new() };
    let error = packages(broken("load"), &[3]).err().unwrap().to_string();
    assert!(error.contains("model-3.mlpackage: it cannot be compiled"), "{error}");
    let error = packages(broken("run"), &[3]).unwrap().run(&[1]).unwrap_err();
    assert!(matches!(&error, EmbedError::Run(reason) if reason == "the device is gone"), "{error}");
    let error = packages(broken("shape"), &[3]).unwrap().run(&[1]).unwrap_err().to_string();
    assert!(error.contains("[1, 5], expected [1, 4]"), "{error}");
}

//! Each call of the embedder is told in the log, with its time and without its text.
#![allow(clippy::unwrap_used)] // a test fails by panicking, its helpers too

mod common;

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use common::tiny::{Shape, Tiny};
use papr_memory::CancelToken;
use papr_memory::ports::{Embedder, Lane, Role};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps every event as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_line_a_call_with_milliseconds_and_dimensions_and_no_text() {
    let embedder = Tiny::new(Shape::default(), &json!("mean")).load().unwrap();
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        for texts in [&["red green"][..], &["blue", "broken", "red"]] {
            embedder.embed(texts, Role::Query, Lane::Interactive, &CancelToken::new()).unwrap();
        }
    });
    let lines = lines.0.lock().unwrap().clone();
    let calls: Vec<&String> = lines.iter().filter(|line| line.contains("message=embedded")).collect();
    assert_eq!(calls.len(), 2, "{lines:?}");
    for part in [" ms=", " run_ms=", " dims=4", " texts=3", " bad=1", " device=CPU", " lane=Interactive"] {
        assert!(calls[1].contains(part), "{part}: {}", calls[1]);
    }
    for line in lines {
        for word in ["red", "green", "blue", "broken"] {
            assert!(!line.contains(word), "{line}");
        }
    }
}

//! Papr's own search, and what somebody thought of its answer.

use reqwest::Method;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::Error;
use crate::lenient::Fields;
use crate::observe::Endpoint;
use crate::read::list::{self, Skipped};
use crate::read::memory::Memory;
use crate::read::raw::Raw;
use crate::transport::Effect;
use crate::write::feedback::Feedback;
use crate::write::search::{LEAST_ASKED, SearchRequest};
use crate::{SearchId, write};

/// Something that Papr's graph knows.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// What sort of thing it is.
    pub label: String,
    /// What is known of it.
    pub properties: Map<String, Value>,
}

/// Without what is known of it.
impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Node {
    fn from_raw(raw: Raw) -> Result<Self, &'static str> {
        let Raw::Object { fields, .. } = raw else { return Err("it is not an object") };
        let mut fields = Fields::new(fields);
        let label = fields.text(&["label"]).ok_or("it has no label")?;
        Ok(Self { label, properties: fields.object(&["properties"]) })
    }
}

/// What Papr's search found; nothing is an answer too.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SearchReply {
    /// Memories, best first, no more than were asked for.
    pub memories: Vec<Memory>,
    /// Parts of the graph, no more than were asked for.
    pub nodes: Vec<Node>,
    /// What [`Feedback`] calls this search.
    pub search_id: Option<SearchId>,
    /// Items that could not be used.
    pub skipped: Vec<Skipped>,
}

/// What came of [`Client::feedback`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedbackReply {
    /// What Papr calls the feedback.
    pub feedback_id: Option<String>,
    /// What it says about it.
    pub message: Option<String>,
}

impl Client {
    /// `POST /v1/memory/search`: asks Papr's search. **The query leaves this machine.**
    ///
    /// The server refuses to be asked for fewer than 10, so that it is asked for 10 and the rest is dropped. Its
    /// 404 "No relevant items found" is an answer with nothing in it.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchReply, Error> {
        request.check()?;
        let mut call = self.0.call(Endpoint::Search, Method::POST, &["memory", "search"]);
        let asked = |count: u32| count.max(LEAST_ASKED).to_string();
        call.url
            .query_pairs_mut()
            .append_pair("max_memories", &asked(request.max_memories))
            .append_pair("max_nodes", &asked(request.max_nodes));
        call.body = Some(write::json("the query", request)?);
        let (mut map, status) = match self.0.object(&call).await {
            Ok(object) => object,
            Err(error) if error.is_not_found() => return Ok(SearchReply::default()),
            Err(error) => return Err(error),
        };
        let search_id = map.get("search_id").and_then(crate::lenient::text).map(SearchId::new);
        let mut data = match map.remove("data") {
            Some(Value::Object(data)) => data,
            Some(Value::Null) => return Ok(SearchReply { search_id, ..SearchReply::default() }),
            _ => return Err(self.0.unreadable(status, "it has no results")),
        };
        let (memories, nodes) = (list::take(&mut data, "memories"), list::take(&mut data, "nodes"));
        if memories.is_none() && nodes.is_none() {
            return Err(self.0.unreadable(status, "it has neither memories nor nodes"));
        }
        let mut skipped = Vec::new();
        let mut memories =
            list::items(memories.unwrap_or_default(), "memories", &mut skipped, Memory::from_raw);
        let mut nodes = list::items(nodes.unwrap_or_default(), "nodes", &mut skipped, Node::from_raw);
        memories.truncate(request.max_memories as usize);
        nodes.truncate(request.max_nodes as usize);
        Ok(SearchReply { memories, nodes, search_id, skipped })
    }

    /// `POST /v1/feedback`: says what somebody thought of a search's answer. Costs nothing.
    pub async fn feedback(&self, feedback: &Feedback) -> Result<FeedbackReply, Error> {
        feedback.check()?;
        let mut call = self.0.call(Endpoint::Feedback, Method::POST, &["feedback"]);
        call.body = Some(write::json("the feedback", feedback)?);
        call.effect = Effect::Creates;
        let (map, _) = self.0.object(&call).await?;
        let mut fields = Fields::new(map);
        let feedback_id = fields.text(&["feedback_id", "feedbackId"]);
        Ok(FeedbackReply { feedback_id, message: fields.text(&["message"]) })
    }
}

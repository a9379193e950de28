//! `POST /v1/feedback` and `GET /v1/user`.

use serde_json::{Value, json};

use crate::call::{Call, one_of, required_text};
use crate::clock::zulu;
use crate::reply::Reply;
use crate::wire::user_id;
use crate::world::World;

const TYPES: &[&str] = &[
    "thumbs_up",
    "thumbs_down",
    "rating",
    "correction",
    "report",
    "copy_action",
    "save_action",
    "create_document",
    "memory_relevance",
    "answer_quality",
];
const SOURCES: &[&str] = &["inline", "post_query", "session_end", "memory_citation", "answer_panel"];

/// A word on a search that this server has answered.
pub(crate) fn feedback(call: &Call<'_>, world: &mut World) -> Result<Reply, Reply> {
    let search_id = required_text(&call.body, "search_id")?;
    let Some(data) = call.body.get("feedbackData").filter(|data| data.is_object()) else {
        return Err(Reply::invalid(&["body", "feedbackData"], "Field required", "missing"));
    };
    for (key, of) in [("feedbackType", TYPES), ("feedbackSource", SOURCES)] {
        required_text(data, key)?;
        one_of(&["body", "feedbackData", key], &data[key], of)?;
    }
    if !world.account(&call.account).searches.contains(search_id) {
        let body = json!({
            "code": 404, "status": "error", "feedback_id": null,
            "message": "Search not found", "error": "Search not found", "details": null,
        });
        return Err(Reply::new(404, body));
    }
    world.account(&call.account).feedback += 1;
    let body = json!({
        "code": 200,
        "status": "success",
        "feedback_id": world.other_id(),
        "message": "Feedback submitted successfully",
        "error": null,
        "details": null,
    });
    Ok(Reply::new(200, body))
}

/// One page with the one user there is.
pub(crate) fn user(call: &Call<'_>) -> Result<Reply, Reply> {
    let page = call.query_int("page", 1, 1..=10_000)?;
    let page_size = call.query_int("page_size", 10, 1..=100)?;
    let account = &call.account;
    let user = json!({
        "code": 200,
        "status": "success",
        "user_id": user_id(account),
        "email": format!("{account}@example.com"),
        "external_id": account,
        "metadata": {},
        "created_at": zulu(0),
        "updated_at": zulu(0),
        "error": null,
        "details": null,
    });
    let body = json!({
        "code": 200,
        "status": "success",
        "data": if page == 1 { json!([user]) } else { json!([]) },
        "error": Value::Null,
        "details": Value::Null,
        "total": 1,
        "page": page,
        "page_size": page_size,
    });
    Ok(Reply::new(200, body))
}

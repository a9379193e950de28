//! Searching.

use papr_memory::Query;
use tauri::{State, WebviewWindow};

use crate::app::App;
use crate::bridge::{AppError, Question, Reply};

/// Searches; an older search of the same window that is still under way is cancelled.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search(
    app: State<'_, App>,
    window: WebviewWindow,
    question: Question,
    seq: u32,
) -> Result<Reply, AppError> {
    let cancel = app.begin_search(window.label(), seq);
    let search = app.with_engine(move |engine| {
        let query: Query = question.try_into()?;
        Ok(Reply::new(seq, engine.search(&query, &cancel)?))
    });
    let reply = search.await;
    app.end_search(window.label(), seq);
    reply
}

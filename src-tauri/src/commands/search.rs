//! Searching.

use papr_memory::Query;
use tauri::{State, WebviewWindow};

use crate::app::App;
use crate::bridge::{AppError, Mode, Reply, Tier};

/// Searches; an older search of the same window that is still under way is cancelled.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search(
    app: State<'_, App>,
    window: WebviewWindow,
    text: String,
    limit: u32,
    tier: Option<Tier>,
    mode: Mode,
    seq: u32,
) -> Result<Reply, AppError> {
    let cancel = app.begin_search(window.label(), seq);
    let search = app.with_engine(move |engine| {
        let query = Query::new(&text, limit as usize, tier.map(Into::into), mode.into())?;
        Ok(Reply::new(seq, engine.search(&query, &cancel)?))
    });
    let reply = search.await;
    app.end_search(window.label(), seq);
    reply
}

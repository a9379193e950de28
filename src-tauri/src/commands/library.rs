//! Browsing all memories, and what stands around one.

use tauri::State;

use crate::app::App;
use crate::bridge::{AppError, Detail, Filters, Memory, Related, Sort, Tier, count, memory_id, memory_ids};

/// The ids of all memories that pass, by the time they last changed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ids(app: State<'_, App>, filters: Filters, sort: Sort) -> Result<Vec<String>, AppError> {
    app.with_engine(move |engine| {
        let ids = engine.ids(&filters.into(), sort.into())?;
        Ok(ids.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Memories by id, at most 200; those that are gone are left out.
#[tauri::command]
#[specta::specta]
pub(crate) async fn some(app: State<'_, App>, ids: Vec<String>) -> Result<Vec<Memory>, AppError> {
    let ids = memory_ids(&ids)?;
    app.with_engine(move |engine| Ok(engine.some(&ids)?.into_iter().map(Into::into).collect())).await
}

/// Moves memories to a tier; returns how many were in the other.
#[tauri::command]
#[specta::specta]
pub(crate) async fn move_to(app: State<'_, App>, ids: Vec<String>, tier: Tier) -> Result<u32, AppError> {
    let ids = memory_ids(&ids)?;
    app.with_engine(move |engine| Ok(count(engine.move_to(&ids, tier.into())?))).await
}

/// Memories that say something like this one, the nearest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn related(app: State<'_, App>, id: String, limit: u32) -> Result<Vec<Related>, AppError> {
    let id = memory_id(&id)?;
    app.with_engine(move |engine| {
        Ok(engine.related(id, limit as usize)?.into_iter().map(Into::into).collect())
    })
    .await
}

/// What stands around one memory: metadata, moves, Papr's id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn detail(app: State<'_, App>, id: String) -> Result<Detail, AppError> {
    let id = memory_id(&id)?;
    app.with_engine(move |engine| Ok(Detail::new(engine.get(id)?, &engine.tier_moves(id)?))).await
}

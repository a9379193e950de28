//! Reading and changing memories.

use papr_engine::{Edit, NewMemory};
use tauri::State;

use crate::app::App;
use crate::bridge::{
    AppError, Facets, Filters, Listing, Memory, Place, Sort, Tier, count, memory_id, memory_ids,
};

/// Memories that pass, by the time they last changed, from behind `after` on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list(
    app: State<'_, App>,
    filters: Filters,
    sort: Sort,
    after: Option<Place>,
    limit: u32,
) -> Result<Listing, AppError> {
    let after = after.map(TryInto::try_into).transpose()?;
    app.with_engine(move |engine| {
        Ok(engine.list(&filters.into(), sort.into(), after, limit as usize)?.into())
    })
    .await
}

/// Counts the memories that pass by what they can be filtered by.
#[tauri::command]
#[specta::specta]
pub(crate) async fn facets(app: State<'_, App>, filters: Filters) -> Result<Facets, AppError> {
    app.with_engine(move |engine| Ok(engine.facets(&filters.into())?.into())).await
}

/// One memory.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get(app: State<'_, App>, id: String) -> Result<Memory, AppError> {
    let id = memory_id(&id)?;
    app.with_engine(move |engine| Ok(engine.get(id)?.into())).await
}

/// Keeps a new memory.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add(
    app: State<'_, App>,
    content: String,
    tier: Tier,
    topics: Vec<String>,
) -> Result<Memory, AppError> {
    let new = NewMemory { content, tier: Some(tier.into()), topics };
    app.with_engine(move |engine| Ok(engine.add(new)?.into())).await
}

/// Changes a memory that is still at revision `rev`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn edit(
    app: State<'_, App>,
    id: String,
    rev: u32,
    content: String,
    tier: Tier,
    topics: Vec<String>,
) -> Result<Memory, AppError> {
    let id = memory_id(&id)?;
    let edit = Edit { content: Some(content), tier: Some(tier.into()), topics: Some(topics) };
    app.with_engine(move |engine| Ok(engine.edit(id, Some(rev.into()), edit)?.into())).await
}

/// Deletes memories; returns how many went.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove(app: State<'_, App>, ids: Vec<String>) -> Result<u32, AppError> {
    let ids = memory_ids(&ids)?;
    app.with_engine(move |engine| Ok(count(engine.delete(&ids)?.len()))).await
}

/// Takes deleted memories back; returns how many came.
#[tauri::command]
#[specta::specta]
pub(crate) async fn restore(app: State<'_, App>, ids: Vec<String>) -> Result<u32, AppError> {
    let ids = memory_ids(&ids)?;
    app.with_engine(move |engine| Ok(count(engine.restore(&ids)?.len()))).await
}

/// Adds the sample memories; returns how many came.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_samples(app: State<'_, App>) -> Result<u32, AppError> {
    app.with_engine(|engine| Ok(count(engine.add_samples()?))).await
}

/// Deletes the sample memories; returns how many went.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_samples(app: State<'_, App>) -> Result<u32, AppError> {
    app.with_engine(|engine| Ok(count(engine.remove_samples()?))).await
}

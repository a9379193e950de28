//! The account at Papr: signing in and out, sync, conflicts, the ledger, Papr's own search.

use std::path::PathBuf;

use papr_engine::{KeyPlace, SystemFacts};
use papr_memory::CancelToken;
use tauri::State;

use crate::app::App;
use crate::bridge::{
    Account, AppError, Choice, CloudReply, Conflict, Ledger, Memory, OutboxItem, SignedIn, SignedOut,
    Waiting, count, memory_id,
};

/// Who is signed in, or was last. May ask the keychain, and with it the person.
#[tauri::command]
#[specta::specta]
pub(crate) async fn account(app: State<'_, App>) -> Result<Option<Account>, AppError> {
    app.with_engine(|engine| Ok(engine.account()?.map(Into::into))).await
}

/// Signs in with a key that Papr accepts; `this_run` keeps it in memory only.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sign_in(app: State<'_, App>, key: String, this_run: bool) -> Result<SignedIn, AppError> {
    let place = if this_run { KeyPlace::ThisRun } else { KeyPlace::Keychain };
    app.with_engine(move |engine| Ok(engine.sign_in(key, None, place, &CancelToken::new())?.into())).await
}

/// Signs out; with `wipe` everything of the account's goes, otherwise a copy stays.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sign_out(app: State<'_, App>, wipe: bool) -> Result<SignedOut, AppError> {
    app.with_engine(move |engine| Ok(engine.sign_out(wipe, &CancelToken::new())?.into())).await
}

/// How many memories of nobody could be given to the account.
#[tauri::command]
#[specta::specta]
pub(crate) async fn adoptable(app: State<'_, App>) -> Result<u32, AppError> {
    app.with_engine(|engine| Ok(count(engine.adoptable()?))).await
}

/// The first of them, to be shown before.
#[tauri::command]
#[specta::specta]
pub(crate) async fn to_adopt(app: State<'_, App>, limit: u32) -> Result<Vec<Memory>, AppError> {
    app.with_engine(move |engine| Ok(engine.to_adopt(limit as usize)?.into_iter().map(Into::into).collect()))
        .await
}

/// Gives them to the account; how many.
#[tauri::command]
#[specta::specta]
pub(crate) async fn adopt(app: State<'_, App>) -> Result<u32, AppError> {
    app.with_engine(|engine| Ok(count(engine.adopt()?))).await
}

/// Asks for a sync now; with `whole` both tiers are looked at.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sync_now(app: State<'_, App>, whole: bool) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.ask_for_sync(whole)).await
}

/// Pauses sync, or lets it go on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn pause_sync(app: State<'_, App>, paused: bool) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.pause_sync(paused)).await
}

/// Switches "local only" on or off.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_local_only(app: State<'_, App>, on: bool) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.set_local_only(on)).await
}

/// Sets what Papr's plan allows in a month.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_budget(app: State<'_, App>, operations: u32) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.set_operations_per_month(u64::from(operations))).await
}

/// What Papr has yet to hear.
#[tauri::command]
#[specta::specta]
pub(crate) async fn outbox(app: State<'_, App>) -> Result<Vec<OutboxItem>, AppError> {
    app.with_engine(|engine| Ok(engine.outbox()?.into_iter().map(Into::into).collect())).await
}

/// How one memory stands with Papr; nothing if Papr has heard of all of it, or is not to.
#[tauri::command]
#[specta::specta]
pub(crate) async fn waiting(app: State<'_, App>, id: String) -> Result<Option<Waiting>, AppError> {
    let id = memory_id(&id)?;
    app.with_engine(move |engine| Ok(engine.outbox_state(id)?.map(Into::into))).await
}

/// What waits for a person.
#[tauri::command]
#[specta::specta]
pub(crate) async fn conflicts(app: State<'_, App>) -> Result<Vec<Conflict>, AppError> {
    app.with_engine(|engine| Ok(engine.conflicts()?.into_iter().map(Into::into).collect())).await
}

/// Resolves a conflict.
#[tauri::command]
#[specta::specta]
pub(crate) async fn resolve(app: State<'_, App>, id: String, choice: Choice) -> Result<(), AppError> {
    let (id, choice) = (memory_id(&id)?, choice.try_into()?);
    app.with_engine(move |engine| engine.resolve(id, &choice)).await
}

/// What left this device: sums and the newest `limit` requests.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ledger(app: State<'_, App>, limit: u32) -> Result<Ledger, AppError> {
    app.with_engine(move |engine| Ok(engine.ledger(limit as usize)?.into())).await
}

/// Writes every request that is kept to a file of JSON Lines; how many.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_ledger(app: State<'_, App>, path: String) -> Result<u32, AppError> {
    app.with_engine(move |engine| Ok(count(engine.export_ledger(&PathBuf::from(path))?))).await
}

/// Sends a question to Papr's own search.
#[tauri::command]
#[specta::specta]
pub(crate) async fn ask_papr(
    app: State<'_, App>,
    question: String,
    limit: u32,
) -> Result<CloudReply, AppError> {
    app.with_engine(move |engine| Ok(engine.ask_papr(&question, limit, &CancelToken::new())?.into())).await
}

/// Keeps a memory that Papr's search found; its id here.
#[tauri::command]
#[specta::specta]
pub(crate) async fn keep_from_papr(app: State<'_, App>, remote: String) -> Result<String, AppError> {
    app.with_engine(move |engine| Ok(engine.keep_from_papr(&remote, &CancelToken::new())?.to_string())).await
}

/// Tells Papr whether an answer of its search helped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn tell_papr(
    app: State<'_, App>,
    search_id: String,
    helped: bool,
    about: Vec<String>,
) -> Result<(), AppError> {
    app.with_engine(move |engine| engine.tell_papr(&search_id, helped, &about, &CancelToken::new())).await
}

/// Tells what the window knows of the network.
#[tauri::command]
#[specta::specta]
pub(crate) async fn tell_network(app: State<'_, App>, online: bool) -> Result<(), AppError> {
    app.with_engine(move |engine| {
        engine.tell_system(SystemFacts { offline: !online, ..engine.system() });
        Ok(())
    })
    .await
}

//! What a sync would do, found out without changing anything.

use papr_memory::Op;
use papr_memory::ports::SyncStore;

use crate::local::{Local, Record};
use crate::plan;
use crate::remote::{Page, Remote};
use crate::report::Preview;
use crate::run::{ROWS, Run, Scope, SyncError};

impl<S: SyncStore + ?Sized, R: Remote + ?Sized> Run<'_, S, R> {
    pub(crate) fn preview(&mut self, scope: Scope) -> Result<Preview, SyncError> {
        let mut preview = Preview::default();
        let mut plans = Vec::new();
        let mut local = Local::load(self.store, self.account, self.state.snapshot_at.is_none())?;
        if scope == Scope::Snapshot || self.state.snapshot_at.is_none() {
            self.spend(3)?;
            let snapshot = self.remote.tiers(self.cancel)?;
            let ids = plan::wanted_by_snapshot(&local, &snapshot);
            local.fetch(self.store, &ids)?;
            plans.push(plan::snapshot(&local, &snapshot, &self.options.limits, self.now()));
        } else {
            self.spend(1)?;
            let page: Page = self.remote.delta(self.state.cursor.as_deref(), ROWS, self.cancel)?;
            let ids = plan::wanted_by_delta(&local, &page);
            local.fetch(self.store, &ids)?;
            plans.push(plan::delta(&local, &page, self.state.seeded, self.now()));
        }
        for plan in &plans {
            for operation in &plan.operations {
                preview.pulled.count(operation.what());
                preview.memories.extend(operation.id().map(|id| (id, operation.what())));
            }
            preview.pulled.no_content += plan.no_content;
            preview.pulled.duplicates += plan.duplicates;
            preview.pulled.unreadable += plan.unreadable;
            preview.pulled.ghosts += plan.ghosts;
        }
        for entry in self.store.outbox()? {
            let Some(known) = self.known(entry.id)? else { continue };
            match (&known.record, entry.op, &known.link.remote) {
                _ if known.held() => {}
                (Record::Alive(_), Op::Upsert, None) => preview.adds += 1,
                (Record::Alive(_), Op::Upsert, Some(_)) => preview.updates += 1,
                _ => preview.deletes += 1,
            }
        }
        // Each change and deletion is looked at first.
        preview.push_cost = (4 * preview.adds + 2 * (preview.updates + preview.deletes)) as u64;
        preview.operations = self.report.operations;
        Ok(preview)
    }
}

//! The options that narrow a list or a search.

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use papr_memory::{Filters, Source, Tier, TimeRange};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Narrow to")]
pub(crate) struct FilterArguments {
    /// Only goals or only memories
    #[arg(long)]
    tier: Option<Tier>,
    /// Memories of this topic; may be given several times
    #[arg(long = "topic")]
    topics: Vec<String>,
    /// Memories of this type: text, goal, …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Where they came from: user, import, sample or papr
    #[arg(long)]
    source: Option<Source>,
    /// Their role: user, assistant
    #[arg(long)]
    role: Option<String>,
    /// Their category: preference, task, goal, fact, …
    #[arg(long)]
    category: Option<String>,
    /// Changed on this day or later, as 2026-03-14
    #[arg(long, value_name = "DAY")]
    after: Option<Date>,
    /// Changed before this day
    #[arg(long, value_name = "DAY")]
    before: Option<Date>,
    /// First written on this day or later
    #[arg(long, value_name = "DAY")]
    created_after: Option<Date>,
    /// First written before this day
    #[arg(long, value_name = "DAY")]
    created_before: Option<Date>,
    /// With a change that Papr has not been told yet
    #[arg(long)]
    pending: bool,
}

impl FilterArguments {
    /// Days are days where the person is.
    pub(crate) fn filters(&self) -> Filters {
        let zone = TimeZone::system();
        let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|start| start.timestamp());
        let range = |from: Option<Date>, before: Option<Date>| TimeRange {
            from: from.and_then(start),
            before: before.and_then(start),
        };
        Filters {
            tier: self.tier,
            topics: self.topics.clone(),
            kind: self.kind.clone(),
            source: self.source,
            role: self.role.clone(),
            category: self.category.clone(),
            created: range(self.created_after, self.created_before),
            updated: range(self.after, self.before),
            pending: self.pending.then_some(true),
            ids: None,
        }
    }
}

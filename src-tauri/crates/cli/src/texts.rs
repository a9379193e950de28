//! Memories, replies and facets as people read them in a terminal.

use papr_memory::{Facets, Hit, Memory, Reason, Reply, Span, Tier};

use crate::output::Output;
use crate::words::text_of;

impl Output {
    /// A reply as people read it.
    pub(crate) fn reply(&self, reply: &Reply) -> String {
        let mut text: String =
            reply.hits.iter().enumerate().map(|(rank, hit)| self.hit(rank + 1, hit)).collect();
        if reply.hits.is_empty() {
            text.push_str("Nothing found.\n");
        }
        text.push_str(&latency_line(reply));
        text
    }

    fn hit(&self, rank: usize, hit: &Hit) -> String {
        let why = match hit.why {
            Reason::Exact => "exact",
            Reason::Both => "words and meaning",
            Reason::Words => "words",
            Reason::Meaning => "meaning",
            Reason::Listed => "listed",
        };
        let cosine = hit.cosine.map_or(String::new(), |cosine| format!(" · cosine {cosine:.2}"));
        let words = hit
            .words
            .filter(|&words| words > 0.0)
            .map_or(String::new(), |words| format!(" · words {words:.1}"));
        let head =
            format!("{rank:>2}. {} · {why}{cosine}{words} · {}", tier_name(&hit.memory), hit.memory.id);
        let snippet: String = hit.snippet.iter().map(|span| self.span(span)).collect();
        let alike = match hit.alike.len() {
            0 => String::new(),
            1 => "    and 1 that says the same\n".to_owned(),
            many => format!("    and {many} that say the same\n"),
        };
        format!("{head}\n    {snippet}\n{alike}")
    }

    fn span(&self, span: &Span) -> String {
        if span.marked && self.marks() { format!("\x1b[1m{}\x1b[0m", span.text) } else { span.text.clone() }
    }
}

/// Facets, a block each, the most frequent first.
pub(crate) fn facets_text(facets: &Facets) -> String {
    let blocks = [
        ("Tier", &facets.tiers),
        ("Type", &facets.kinds),
        ("Source", &facets.sources),
        ("Role", &facets.roles),
        ("Category", &facets.categories),
        ("Topic", &facets.topics),
    ];
    let mut text = format!("{} memories\n", facets.total);
    for (name, counts) in blocks.into_iter().filter(|(_, counts)| !counts.is_empty()) {
        text.push_str(&format!("\n{name}\n"));
        text.extend(counts.iter().map(|facet| format!("{:>7}  {}\n", facet.count, facet.value)));
    }
    text
}

/// `Goal` or `Memory`.
fn tier_name(memory: &Memory) -> &'static str {
    match memory.tier {
        Tier::Goals => "Goal",
        Tier::Memories => "Memory",
    }
}

/// One memory in a line: id, tier, date, text.
pub(crate) fn memory_line(memory: &Memory) -> String {
    let day = memory.updated_at.strftime("%Y-%m-%d");
    format!("{}  {:<6}  {day}  {}\n", memory.id, tier_name(memory), text_of(memory))
}

/// One memory in full.
pub(crate) fn memory_text(memory: &Memory) -> String {
    let topics =
        if memory.topics.is_empty() { String::new() } else { format!(" · {}", memory.topics.join(", ")) };
    format!(
        "{}\n{} · {} · revision {} · changed {}{topics}\n\n{}\n",
        memory.id,
        tier_name(memory),
        memory.kind,
        memory.rev,
        memory.updated_at,
        memory.content.as_str()
    )
}

/// `12 results (3 goals, 9 memories) · 9 ms (embed 6, search 1)`
fn latency_line(reply: &Reply) -> String {
    let plural =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let millis = |micros: u64| format!("{:.1}", micros as f64 / 1000.0);
    let timings = &reply.timings;
    let search = timings.vector + timings.words + timings.fetch;
    let shown = reply.counts.total();
    let results = match reply.total.max(shown) {
        total if total == shown => plural(shown, "result", "results"),
        total => format!("{shown} of {}", plural(total, "result", "results")),
    };
    let mut line = format!(
        "{results} ({}, {}) · {} ms (embed {}, search {})\n",
        plural(reply.counts.goals, "goal", "goals"),
        plural(reply.counts.memories, "memory", "memories"),
        millis(timings.total),
        millis(timings.tokenize + timings.embed),
        millis(search),
    );
    if let Some(degraded) = &reply.degraded {
        line.push_str(degraded);
        line.push('\n');
    }
    line
}

//! The same server asked without HTTP: for tests that need many thousands of answers.

use serde_json::Value;

use crate::call::Call;
use crate::faults::Fault;
use crate::gate;
use crate::mangle;
use crate::route::Route;
use crate::serve::settle;
use crate::server::FakePapr;

/// An answer that came whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `Null` where it is a page or nothing.
    pub body: Value,
}

impl FakePapr {
    /// A request of `account`'s, past connections, keys and bytes, but with the same faults, limits, handlers and log
    /// of writes as one over HTTP. `id` is the one of the path, or empty. `None`: no answer came that can be read,
    /// whether or not anything was done. Latency is left out, and the request log says nothing of it.
    pub fn ask(
        &self,
        account: &str,
        route: Route,
        id: &str,
        query: &[(&str, &str)],
        body: Value,
    ) -> Option<Answer> {
        let plan = self.shared.faults.plan(route);
        if plan.faults.contains(&Fault::CloseBefore) {
            return None;
        }
        let refusal = gate::refusal(&self.shared, &plan);
        let garbled = refusal.is_none();
        let reply = refusal.unwrap_or_else(|| {
            let call = Call {
                options: &self.shared.options,
                plan: &plan,
                account: account.to_owned(),
                id: id.to_owned(),
                query: query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
                body,
                now: self.shared.clock.now(),
            };
            let (Ok(mut reply) | Err(mut reply)) = settle(&call, route, &mut self.shared.world());
            mangle::content(&plan, &mut reply.body);
            reply
        });
        let unread = |fault: &Fault| match fault {
            Fault::LostReply { .. } | Fault::CutBody { .. } => true,
            Fault::WrongJson { .. } => garbled,
            _ => false,
        };
        if plan.faults.iter().any(unread) {
            return None;
        }
        let body = serde_json::to_value(&reply.body).ok().filter(Value::is_object).unwrap_or_default();
        Some(Answer { status: reply.status, body })
    }
}

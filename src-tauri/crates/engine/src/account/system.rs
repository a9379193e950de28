//! What the system tells of network and power. Whoever can ask it does so and tells the engine.

use serde::{Deserialize, Serialize};

use crate::Engine;

/// What is so at the moment; where a system does not tell, nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemFacts {
    /// There is no network.
    pub offline: bool,
    /// The network costs by the byte.
    pub metered: bool,
    /// The battery is low and not being charged.
    pub low_battery: bool,
}

impl Engine {
    /// Tells what the system says now. A network that came back is a reason to look at Papr.
    pub fn tell_system(&self, facts: SystemFacts) {
        let now = self.shared.clock.now();
        self.shared.papr.note(|desk| {
            if desk.system.offline && !facts.offline {
                desk.woke_at = Some(now);
            }
            desk.system = facts;
        });
    }

    /// What was told last.
    pub fn system(&self) -> SystemFacts {
        self.shared.papr.desk().system
    }

    /// Tells that the machine slept and woke just now.
    pub fn tell_woke(&self) {
        let now = self.shared.clock.now();
        self.shared.papr.note(|desk| desk.woke_at = Some(now));
    }
}

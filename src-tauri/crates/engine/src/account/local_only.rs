//! "Local only": nothing is sent to anybody, nothing fetched from anywhere.

use crate::engine::Shared;
use crate::{Engine, Error};

impl Engine {
    /// Switches "local only" on or off. Once this returned, no request is sent, and those under way are given up.
    pub fn set_local_only(&self, on: bool) -> Result<(), Error> {
        let shared = &self.shared;
        if on {
            // First the switch: should the disk be full, it holds at least as long as this process.
            shared.papr.gate.close();
            shared.papr.interrupt();
            shared.downloads.stop();
        }
        shared.change_settings(|settings| settings.local_only = on)?;
        if !on {
            shared.papr.gate.open();
        }
        shared.papr.note(|_| {});
        shared.publish_sync()
    }

    /// Whether it is on.
    pub fn local_only(&self) -> bool {
        self.shared.papr.gate.is_closed()
    }
}

impl Shared {
    /// `Err` while "local only" is on: asked before anything that would open a connection.
    pub(crate) fn may_connect(&self) -> Result<(), Error> {
        if self.papr.gate.is_closed() { Err(Error::LocalOnly) } else { Ok(()) }
    }
}

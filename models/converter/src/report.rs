//! What a conversion finds on its way that is no failure by itself, in two kinds.
//!
//! Names and rounding change no vector that anyone could notice: they are told and forgotten. Shapes and types
//! that are not what the architecture says may give vectors that look right and are not: they end the
//! conversion, unless somebody has looked and forces it.

use std::cell::RefCell;

use crate::error::ConvertError;

/// What was found so far. Shared by all that read weights and write graphs.
#[derive(Debug, Default)]
pub(crate) struct Report {
    benign: RefCell<Vec<String>>,
    structural: RefCell<Vec<String>>,
}

impl Report {
    /// Naming or precision: to be told.
    pub(crate) fn benign(&self, text: impl Into<String>) {
        self.benign.borrow_mut().push(text.into());
    }

    /// Shape, type or configuration: not to be passed over without a look.
    pub(crate) fn structural(&self, text: impl Into<String>) {
        self.structural.borrow_mut().push(text.into());
    }

    /// Refuses what is structural, unless `force`. What remains is returned line by line, for people.
    pub(crate) fn settle(self, force: bool) -> Result<Vec<String>, ConvertError> {
        let structural = self.structural.into_inner();
        if !structural.is_empty() && !force {
            return Err(ConvertError::Structural { findings: structural });
        }
        let forced = structural.into_iter().map(|text| format!("forced past: {text}"));
        Ok(self.benign.into_inner().into_iter().map(|text| format!("note: {text}")).chain(forced).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_structural_ends_a_conversion_and_force_goes_on() {
        let found = |structural: bool| {
            let report = Report::default();
            report.benign("a prefix");
            if structural {
                report.structural("a shape");
            }
            report
        };
        assert_eq!(found(false).settle(false).unwrap(), ["note: a prefix"]);
        assert_eq!(found(true).settle(true).unwrap(), ["note: a prefix", "forced past: a shape"]);
        assert!(found(true).settle(false).unwrap_err().to_string().contains("a shape"));
    }
}

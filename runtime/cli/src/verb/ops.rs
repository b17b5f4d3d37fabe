use clap::Args;
use mote_compiler::import::{Operator, SupportTable, operators};
use serde_json::{Value, json};

use crate::console::Console;
use crate::report::Failure;

/// Options of `mote ops`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Only operators whose names contain this, in any case
    part: Option<String>,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let mut listed = operators();
    if let Some(part) = &options.part {
        let part = part.to_lowercase();
        listed.retain(|operator| operator.name.to_lowercase().contains(&part));
    }
    let json = |operator: &Operator| {
        json!({
            "domain": operator.domain,
            "operator": operator.name,
            "since": operator.since,
            "attributes": operator.attributes,
            "note": operator.note,
        })
    };
    let rows: Vec<Value> = listed.iter().map(json).collect();
    console.data(|| json!({ "operators": rows }), || SupportTable(listed).to_string())
}

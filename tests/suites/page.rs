//! The page of everything that is refused, and why.

use std::collections::BTreeMap;

use mote_tests::suite::{Case, Judged, RefusedNode, Table, Verdict};

/// What `cargo xtask test --conformance` says of commit and machine.
const ORIGIN: &str = "MOTE_ORIGIN";

/// The page.
pub(crate) fn page(table: &Table, figures: &str, cases: &[Case], judged: &[Judged]) -> String {
    let origin = std::env::var(ORIGIN).unwrap_or_default();
    let mut text = format!(
        "# What is refused\n\nWritten by `cargo xtask test --conformance`{origin}. A model that cannot be done exactly is \
         refused, never answered wrongly.\n\nWhere the compiler asks for an input to be constant, the recorded one was stored in \
         the model, as exporters store parameters: the cases *with constants*.\n\n{table}\n{figures}\n"
    );
    let (mut refused, mut infeasible) = (Lists::new(), Lists::new());
    for (case, judged) in cases.iter().zip(judged) {
        let name = match case.suite.as_str() {
            "onnx node" => case.name.clone(),
            suite => format!("{suite}/{}", case.name),
        };
        match &judged.verdict {
            Verdict::Refused(nodes) => {
                for RefusedNode { node: _, op, reason } in nodes {
                    refused.entry((op.clone(), reason.clone())).or_default().push(name.clone());
                }
            }
            Verdict::Infeasible(why) => {
                infeasible.entry((String::new(), (*why).to_owned())).or_default().push(name);
            }
            Verdict::Passed { .. } | Verdict::Wrong(_) => {}
        }
    }
    text += "\n## Refused\n\n| operator | reason | cases |\n|---|---|---|\n";
    for ((op, reason), mut names) in refused {
        names.dedup();
        text += &format!("| {op} | {} | {} |\n", cell(&reason), names.join(", "));
    }
    text += "\n## Infeasible\n\nWhat no runtime of fixed shapes can be asked.\n\n| reason | cases |\n|---|---|\n";
    for ((_, reason), names) in infeasible {
        text += &format!("| {reason} | {} |\n", names.join(", "));
    }
    text
}

/// Names of cases by operator and reason.
type Lists = BTreeMap<(String, String), Vec<String>>;

/// A text that fits a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

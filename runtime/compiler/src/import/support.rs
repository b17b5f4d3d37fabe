//! The support table: every operator that a model may use, from the list that finds their builders.

use std::collections::BTreeMap;
use std::fmt;

use super::table;

/// An operator that a model may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its domain, `ai.onnx` for that of the standard.
    pub domain: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The operator sets from which on it has each of its meanings, ascending.
    pub since: Vec<i64>,
    /// Every attribute that it may have in one of them, in order of name.
    pub attributes: Vec<&'static str>,
    /// What must be known of it.
    pub note: Option<&'static str>,
}

/// Operators that are not taken in every form, in the words of their refusals.
const NOTES: &[(&str, &str, &str)] = &[
    (table::ONNX, "Loop", "written out, round by round; a computed end needs `--bound`"),
    (table::ONNX, "NonZero", "`--bound`, or constant operands"),
    (table::ONNX, "Unique", "`--bound`, or constant operands"),
    (table::ONNX, "Compress", "`--bound`, or a constant condition"),
    (table::ONNX, "NonMaxSuppression", "`--bound`, or constant operands"),
    (table::ONNX, "Scan", "written out, round by round"),
    (table::ONNX, "Dropout", "inference only"),
    (table::ONNX, "BatchNormalization", "inference only"),
];

/// Every operator, in order of domain and name.
pub fn operators() -> Vec<Operator> {
    let mut found: BTreeMap<(&str, &str), Operator> = BTreeMap::new();
    for entry in table::entries() {
        let domain = if entry.domain == table::ONNX { "ai.onnx" } else { entry.domain };
        let note = NOTES.iter().find(|(domain, op, _)| (*domain, *op) == (entry.domain, entry.op));
        let operator = found.entry((domain, entry.op)).or_insert_with(|| Operator {
            domain,
            name: entry.op,
            since: Vec::new(),
            attributes: Vec::new(),
            note: note.map(|(.., note)| *note),
        });
        operator.since.push(entry.since);
        operator.attributes.extend(entry.attributes);
    }
    let mut operators: Vec<Operator> = found.into_values().collect();
    for operator in &mut operators {
        operator.since.sort_unstable();
        operator.attributes.sort_unstable();
        operator.attributes.dedup();
    }
    operators
}

/// The operators as a table in Markdown.
#[derive(Clone, Debug)]
pub struct SupportTable(pub Vec<Operator>);

impl fmt::Display for SupportTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| domain | operator | from operator set | attributes | note |\n|---|---|---|---|---|")?;
        for Operator { domain, name, since, attributes, note } in &self.0 {
            let since: Vec<String> = since.iter().map(ToString::to_string).collect();
            let (since, attributes) = (since.join(", "), attributes.join(", "));
            writeln!(f, "| {domain} | {name} | {since} | {attributes} | {} |", note.unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The names of the operators, one paragraph for each domain.
#[derive(Clone, Debug)]
pub struct SupportSummary(pub Vec<Operator>);

impl fmt::Display for SupportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.chunk_by(|a, b| a.domain == b.domain) {
            let names: Vec<&str> = part.iter().map(|operator| operator.name).collect();
            writeln!(f, "- `{}`, {} operators: {}.", part[0].domain, names.len(), names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_is_about_an_operator() {
        for (domain, op, _) in NOTES {
            assert!(table::entries().any(|entry| (entry.domain, entry.op) == (*domain, *op)), "{op}");
        }
    }

    #[test]
    fn meanings_of_an_operator_stand_in_one_row() {
        let operators = operators();
        let softmax: Vec<&Operator> = operators.iter().filter(|operator| operator.name == "Softmax").collect();
        assert_eq!(softmax.len(), 1);
        assert_eq!((softmax[0].domain, &softmax[0].since[..]), ("ai.onnx", &[1, 13][..]));
        assert!(SupportTable(operators.clone()).to_string().contains("| ai.onnx | Softmax | 1, 13 | axis |  |\n"));
        assert!(SupportSummary(operators).to_string().contains(", Softmax, "));
    }
}

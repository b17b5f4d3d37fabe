//! Arrays as text for people.

use super::array::dims_text;
use super::{Array, Element};

/// Elements shown of one array; the rest is counted.
const SHOWN: usize = 32;

/// Elements on one line.
const PER_LINE: usize = 8;

/// Name, type and shape on one line, values below. `words` are what the numbers of strings stand for.
pub(crate) fn text(name: &str, array: &Array, labels: &[String], words: Option<&[String]>) -> String {
    let dtype = if words.is_some() { "string" } else { array.dtype.name() };
    let mut text = format!("{name}  {dtype} {}\n", dims_text(&array.dims));
    let shown = |element: Element| match words.and_then(|words| element.word(words)) {
        Some(word) => word.to_owned(),
        None => element.to_string(),
    };
    let values: Vec<String> = array.elements().take(SHOWN).map(shown).collect();
    for line in values.chunks(PER_LINE) {
        text += &format!("  {}\n", line.join("  "));
    }
    let count = array.elements().count();
    if count > SHOWN {
        text += &format!("  and {} more\n", count - SHOWN);
    }
    text + &winner(array, labels)
}

/// The class of each row, where the last axis has a label for every element.
fn winner(array: &Array, labels: &[String]) -> String {
    if labels.is_empty() || array.dims.last() != Some(&labels.len()) {
        return String::new();
    }
    let scores: Vec<f64> = array.elements().map(super::array::Element::as_f64).collect();
    let mut text = String::new();
    for row in scores.chunks(labels.len()).take(SHOWN) {
        let best = row.iter().zip(labels).max_by(|(a, _), (b, _)| a.total_cmp(b));
        if let Some((score, label)) = best {
            text += &format!("  -> {label} ({score:.4})\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use mote_abi::DType;

    use super::*;

    #[test]
    fn rows_with_labels_name_their_winner() {
        let data = [0.1f32, 0.9, 0.8, 0.2].iter().flat_map(|x| x.to_le_bytes()).collect();
        let array = Array { dtype: DType::F32, dims: vec![2, 2], data };
        let shown = text("y", &array, &["cat".into(), "dog".into()], None);
        assert_eq!(shown, "y  f32 [2, 2]\n  0.1  0.9  0.8  0.2\n  -> dog (0.9000)\n  -> cat (0.8000)\n");
    }

    #[test]
    fn strings_are_shown_as_what_they_are() {
        let data = [1_i32, 0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let array = Array { dtype: DType::I32, dims: vec![2], data };
        let shown = text("label", &array, &[], Some(&["cat".into(), "dog".into()]));
        assert_eq!(shown, "label  string [2]\n  dog  cat\n");
    }
}

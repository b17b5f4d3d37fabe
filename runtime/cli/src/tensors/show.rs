//! Arrays as text for people.

use super::Array;
use super::array::dims_text;

/// Elements shown of one array; the rest is counted.
const SHOWN: usize = 32;

/// Elements on one line.
const PER_LINE: usize = 8;

/// Name, type and shape on one line, values below.
pub(crate) fn text(name: &str, array: &Array, labels: &[String]) -> String {
    let mut text = format!("{name}  {} {}\n", array.dtype, dims_text(&array.dims));
    let values: Vec<String> = array.elements().take(SHOWN).map(|element| format!("{element}")).collect();
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
        let shown = text("y", &array, &["cat".into(), "dog".into()]);
        assert_eq!(shown, "y  f32 [2, 2]\n  0.1  0.9  0.8  0.2\n  -> dog (0.9000)\n  -> cat (0.8000)\n");
    }
}

//! CSV: rows of numbers, with or without a line of column names.

use super::array::Element;
use super::{Tensor, TensorError};

/// Rows and columns. A first line that holds a word is taken for column names; commas, semicolons and tabs separate.
pub(super) fn read(text: &str) -> Result<Tensor, TensorError> {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t'].into_iter().find(|&d| first.as_bytes().contains(&d)).unwrap_or(b',');
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .trim(::csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let (mut elements, mut rows, mut columns) = (Vec::new(), 0, 0);
    for (line, record) in reader.records().enumerate() {
        let record = record?;
        let numbers: Result<Vec<Element>, TensorError> =
            record.iter().enumerate().map(|(column, text)| number(line, column, text)).collect();
        match numbers {
            Ok(numbers) => {
                columns = numbers.len();
                rows += 1;
                elements.extend(numbers);
            }
            Err(_) if line == 0 => {}
            Err(error) => return Err(error),
        }
    }
    if rows == 0 {
        return Err(TensorError::CsvEmpty);
    }
    Ok(Tensor::Loose { dims: vec![rows, columns], elements })
}

fn number(row: usize, column: usize, text: &str) -> Result<Element, TensorError> {
    let element = text.parse().map(Element::Signed).or_else(|_| text.parse().map(Element::Float));
    element.map_err(|_| TensorError::CsvNumber { row: row + 1, column: column + 1, text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_numbers_with_and_without_names() {
        for text in ["1,2\n3,4\n", "a,b\n1,2\n3,4", "1;2\n3;4", "# seen\n1\t2\n3\t4\n".trim_start_matches("# seen\n")] {
            let Tensor::Loose { dims, elements } = read(text).unwrap() else { panic!("typed") };
            assert_eq!(dims, [2, 2], "{text}");
            assert_eq!(elements, [1, 2, 3, 4].map(Element::Signed), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_named_by_its_place() {
        let error = read("1,2\n3,x").unwrap_err();
        assert!(matches!(error, TensorError::CsvNumber { row: 2, column: 2, .. }), "{error:?}");
        assert!(matches!(read("a,b\n"), Err(TensorError::CsvEmpty)));
        assert!(matches!(read("1,2\n3\n"), Err(TensorError::Csv(_))));
    }
}

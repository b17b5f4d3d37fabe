//! What a caller gives as inputs, before the model's types are known.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use mote_abi::DType;

use super::array::{Element, push_element};
use super::{Array, TensorError, csv, json, npz};

/// The longest JSON or CSV text that is read, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// One array as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given {
    /// Its name; `None` where the format has none.
    pub(crate) name: Option<String>,
    pub(crate) tensor: Tensor,
}

/// npz says what its elements are; JSON and CSV only say which numbers, JSON also which strings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tensor {
    Typed(Array),
    Loose { dims: Vec<usize>, elements: Vec<Element> },
    Words { dims: Vec<usize>, words: Vec<String> },
}

impl Tensor {
    pub(crate) fn dims(&self) -> &[usize] {
        match self {
            Self::Typed(array) => &array.dims,
            Self::Loose { dims, .. } | Self::Words { dims, .. } => dims,
        }
    }

    /// The type, where the format states one.
    pub(crate) fn dtype(&self) -> Option<DType> {
        match self {
            Self::Typed(array) => Some(array.dtype),
            Self::Loose { .. } | Self::Words { .. } => None,
        }
    }

    /// Strings as their places among the words of a model, -1 for all others; numbers stay.
    pub(crate) fn numbered(self, all: &[String]) -> Self {
        let Self::Words { dims, words } = self else { return self };
        let place = |word: &String| all.iter().position(|known| known == word);
        let elements = words.iter().map(|word| Element::Signed(place(word).map_or(-1, |at| at as i64))).collect();
        Self::Loose { dims, elements }
    }

    /// The array with elements of this type. A typed one keeps its own type.
    pub(crate) fn into_array(self, name: &str, dtype: DType) -> Result<Array, TensorError> {
        let (dims, elements) = match self {
            Self::Typed(array) => return Ok(array),
            Self::Loose { dims, elements } => (dims, elements),
            Self::Words { words, .. } => {
                let value = words.into_iter().next().unwrap_or_default();
                return Err(TensorError::Range { name: name.into(), value, dtype });
            }
        };
        let mut data = Vec::with_capacity(elements.len() * dtype.size() as usize);
        for element in elements {
            push_element(&mut data, dtype, element).ok_or_else(|| TensorError::Range {
                name: name.into(),
                value: element.to_string(),
                dtype,
            })?;
        }
        Ok(Array { dtype, dims, data })
    }
}

/// Reads inputs from what was named on the command line: a file of any format that [`sniff`] knows, `-` for JSON or
/// CSV from standard input, or the numbers themselves.
pub(crate) fn read(argument: &str) -> Result<Vec<Given>, TensorError> {
    if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
        return from_bytes(argument, bytes);
    }
    let path = Path::new(argument);
    if !path.exists() && looks_like_numbers(argument) {
        return from_bytes(argument, argument.as_bytes().to_vec());
    }
    let mut file = File::open(path)?;
    let mut start = [0; 6];
    let got = read_start(&mut file, &mut start)?;
    let mut source = Cursor::new(start.get(..got).unwrap_or_default().to_vec()).chain(file);
    match sniff(&start) {
        Format::Zip => named(npz::read_file(path)?),
        Format::Npy => Ok(vec![Given {
            name: None,
            tensor: Tensor::Typed(npz::read_single(argument, &mut BufReader::new(source))?),
        }]),
        Format::Text => {
            let mut bytes = Vec::new();
            source.by_ref().take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
            from_bytes(argument, bytes)
        }
    }
}

fn named(arrays: Vec<(String, Array)>) -> Result<Vec<Given>, TensorError> {
    Ok(arrays.into_iter().map(|(name, array)| Given { name: Some(name), tensor: Tensor::Typed(array) }).collect())
}

fn read_start(file: &mut File, start: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = start.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            n => got += n,
        }
    }
    Ok(got)
}

enum Format {
    Zip,
    Npy,
    Text,
}

fn sniff(start: &[u8]) -> Format {
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        Format::Zip
    } else if start.starts_with(b"\x93NUMPY") {
        Format::Npy
    } else {
        Format::Text
    }
}

/// `5.1,3.5,1.4,0.2` or `[[1, 2]]` typed on the command line.
fn looks_like_numbers(argument: &str) -> bool {
    let text = argument.trim();
    text.starts_with(['[', '{']) || text.split([',', ';', ' ']).all(|word| word.trim().parse::<f64>().is_ok())
}

fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Vec<Given>, TensorError> {
    if bytes.len() as u64 > MAX_TEXT {
        return Err(TensorError::TooLarge { limit: MAX_TEXT, got: bytes.len() as u64 });
    }
    match sniff(&bytes) {
        Format::Zip => return named(npz::read(Cursor::new(bytes))?),
        Format::Npy => {
            let array = npz::read_single(name, &mut bytes.as_slice())?;
            return Ok(vec![Given { name: None, tensor: Tensor::Typed(array) }]);
        }
        Format::Text => {}
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| TensorError::UnknownFormat)?;
    match text.trim_start().chars().next() {
        Some('[' | '{') => json::read(text),
        Some(_) => Ok(vec![Given { name: None, tensor: csv::read(text)? }]),
        None => Err(TensorError::CsvEmpty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_typed_in() {
        for (argument, dims) in [("5.1,3.5,1.4,0.2", vec![1, 4]), ("[[1, 2], [3, 4]]", vec![2, 2]), ("7", vec![1, 1])] {
            let given = read(argument).unwrap();
            assert_eq!(given.len(), 1, "{argument}");
            assert_eq!(given[0].tensor.dims(), dims, "{argument}");
        }
        assert!(matches!(read("no-such-file.npz"), Err(TensorError::Io(_))));
    }

    #[test]
    fn an_empty_text_is_refused() {
        assert!(matches!(from_bytes("x", Vec::new()), Err(TensorError::CsvEmpty)));
        assert!(matches!(from_bytes("x", vec![0xff, 0xfe]), Err(TensorError::UnknownFormat)));
    }

    #[test]
    fn loose_numbers_take_the_type_they_are_given() {
        let loose = Tensor::Loose { dims: vec![2], elements: vec![Element::Signed(1), Element::Signed(300)] };
        assert_eq!(loose.clone().into_array("x", DType::I16).unwrap().data, [1, 0, 44, 1]);
        assert!(matches!(loose.into_array("x", DType::U8), Err(TensorError::Range { .. })));
    }
}

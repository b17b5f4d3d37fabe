//! What an image occupies, from the section headers of its ELF file.

/// Bytes of an image, as `size` counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Code and constants: flash.
    pub(crate) text: u32,
    /// Variables with a value: flash and RAM.
    pub(crate) data: u32,
    /// Variables that start as zeros: RAM.
    pub(crate) bss: u32,
}

/// `sh_type` of a section without bytes in the file.
const NOBITS: u32 = 8;
/// `sh_flags` of what occupies memory, and of what may be written.
const ALLOC: u32 = 2;
const WRITE: u32 = 1;

/// Adds up the sections of a 32-bit little-endian ELF file; `None` if it is none.
pub(crate) fn sizes(file: &[u8]) -> Option<Sizes> {
    let half = |at: usize| Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?) as usize);
    let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    if !file.starts_with(b"\x7fELF\x01\x01") {
        return None;
    }
    let (table, entry, count) = (word(32)? as usize, half(46)?, half(48)?);
    let mut sizes = Sizes { text: 0, data: 0, bss: 0 };
    for section in 0..count {
        let at = table.checked_add(section * entry)?;
        let (kind, flags, bytes) = (word(at + 4)?, word(at + 8)?, word(at + 20)?);
        let total = match (flags & ALLOC != 0, kind == NOBITS, flags & WRITE != 0) {
            (false, ..) => continue,
            (true, true, _) => &mut sizes.bss,
            (true, false, true) => &mut sizes.data,
            (true, false, false) => &mut sizes.text,
        };
        *total = total.checked_add(bytes)?;
    }
    Some(sizes)
}

#[cfg(test)]
mod tests {
    use super::{ALLOC, NOBITS, Sizes, WRITE, sizes};

    /// An ELF header and the section headers behind it.
    fn elf(sections: &[(u32, u32, u32)]) -> Vec<u8> {
        let mut file = vec![0; 52];
        file[..6].copy_from_slice(b"\x7fELF\x01\x01");
        file[32..36].copy_from_slice(&52_u32.to_le_bytes());
        file[46..48].copy_from_slice(&40_u16.to_le_bytes());
        file[48..50].copy_from_slice(&(sections.len() as u16).to_le_bytes());
        for (kind, flags, bytes) in sections {
            let mut header = [0; 40];
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            header[8..12].copy_from_slice(&flags.to_le_bytes());
            header[20..24].copy_from_slice(&bytes.to_le_bytes());
            file.extend(header);
        }
        file
    }

    #[test]
    fn sections_add_up() {
        let file =
            elf(&[(0, 0, 9), (1, ALLOC, 100), (1, ALLOC | 4, 20), (1, ALLOC | WRITE, 8), (NOBITS, 3, 64), (1, 0, 7)]);
        assert_eq!(sizes(&file), Some(Sizes { text: 120, data: 8, bss: 64 }));
        assert_eq!(sizes(&file[..file.len() - 20]), None, "cut");
        assert_eq!(sizes(b"MZ"), None, "another format");
    }
}

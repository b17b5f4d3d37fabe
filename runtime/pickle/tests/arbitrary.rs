//! Programs that nobody wrote: instructions in any order, some with operands that fit, never make the reader panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_pickle::{Limits, Node, read};
use proptest::prelude::*;

/// Instructions with what they need behind them, so that many find what they look for on the stack.
const PIECES: &[&[u8]] = &[
    b"N",
    b"(",
    b"0",
    b"1",
    b"2",
    b"]",
    b"}",
    b")",
    b"\x8f",
    b"a",
    b"e",
    b"s",
    b"u",
    b"t",
    b"l",
    b"d",
    b"b",
    b"R",
    b"\x81",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"\x89",
    b"\x90",
    b"\x91",
    b"\x94",
    b"K\x03",
    b"J\xff\xff\xff\xff",
    b"h\x00",
    b"h\x01",
    b"q\x01",
    b"\x8c\x02f8",
    b"\x8c\x01<",
    b"\x8c\x05shape",
    b"\x8c\x05dtype",
    b"\x8c\x05order",
    b"\x8c\x01C",
    b"B\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f",
    b"cnumpy\ndtype\n",
    b"cnumpy\nndarray\n",
    b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy.core.numeric\n_frombuffer\n",
    b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n",
    b"csklearn.pipeline\nPipeline\n",
    b"c_codecs\nencode\n",
    b"cbuiltins\nset\n",
    b"ccopyreg\n_reconstructor\n",
    b"cbuiltins\nobject\n",
    b"J\x00\x00\x00\x00\x8c\x02f8\x89\x88\x87",
];

/// Looks at everything a bounded way into a value, which may contain itself.
fn look(node: Node<'_>, depth: usize) -> usize {
    let own = [node.text().is_some(), node.float().is_some(), node.array().is_some(), node.get("shape").is_some()];
    let mut seen = own.iter().filter(|&&is| is).count();
    if depth > 0 {
        let items = node.items().into_iter().flatten();
        let entries = node.entries().into_iter().flatten().flat_map(|(key, value)| [key, value]);
        seen += items
            .chain(entries)
            .chain(node.arguments())
            .chain(node.state())
            .take(8)
            .map(|n| look(n, depth - 1))
            .sum::<usize>();
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_program_ends(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60), tail in prop::collection::vec(any::<u8>(), 0..12)) {
        let limits = Limits { bytes: 1 << 16, values: 1 << 12, elements: 1 << 12 };
        let program = [&b"\x80\x04"[..], &pieces.concat(), b"."].concat();
        for bytes in [program.clone(), [program, tail].concat()] {
            if let Ok(document) = read(&bytes, &limits) {
                look(document.root(), 4);
            }
        }
    }
}

use super::*;

#[test]
fn refusals_name_the_field_and_the_byte() {
    let graph_with = |node: &[u8]| [&[0x3a, node.len() as u8 + 2, 0x0a, node.len() as u8], node].concat();
    let cases: Vec<(Vec<u8>, DoorError)> = vec![
        (vec![], DoorError::Empty),
        (vec![0x3a, 5, 0], DoorError::Truncated { message: "ModelProto", offset: 2 }),
        (vec![0x08], DoorError::Truncated { message: "ModelProto", offset: 1 }),
        (vec![0xf8, 0x07, 1], DoorError::UnknownField { message: "ModelProto", field: 127, offset: 0 }),
        (
            vec![0x3a, 4, 0x2a, 2, 0x1a, 0],
            DoorError::Unsupported { message: "TensorProto", field: "segment", offset: 4 },
        ),
        (vec![0xd2, 0x01, 0], DoorError::Unsupported { message: "ModelProto", field: "configuration", offset: 0 }),
        (vec![0x12, 1, 0xff], DoorError::Text { message: "ModelProto", field: "producer_name", offset: 0 }),
        (vec![0x0a, 0], DoorError::Encoding { message: "ModelProto", field: "ir_version", offset: 0 }),
        ([0x08].into_iter().chain([0xff; 10]).collect(), DoorError::Varint { message: "ModelProto", offset: 1 }),
        // A node with an attribute of type SPARSE_TENSORS.
        (
            graph_with(&[0x2a, 3, 0xa0, 0x01, 12]),
            DoorError::Value { message: "AttributeProto", field: "type", value: 12, offset: 6 },
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(check(&bytes), Err(expected), "{bytes:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    // attribute.g -> node -> attribute -> g ...
    let mut bytes = Vec::new();
    for level in 0..60 {
        let tag = [0x32, 0x2a, 0x0a][level % 3];
        let mut outer = vec![tag];
        let mut len = bytes.len();
        while len >= 0x80 {
            outer.push(len as u8 | 0x80);
            len >>= 7;
        }
        outer.push(len as u8);
        outer.extend(bytes);
        bytes = outer;
    }
    // The outermost is a node: part of the model's graph.
    let wrap = |tag: u8, body: Vec<u8>| {
        let mut out = vec![tag, body.len() as u8 | 0x80, (body.len() >> 7) as u8];
        out.extend(body);
        out
    };
    let bytes = wrap(0x3a, bytes);
    assert!(matches!(check(&bytes), Err(DoorError::Nesting { .. })), "{:?}", check(&bytes));
}

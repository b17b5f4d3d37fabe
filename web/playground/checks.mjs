// What the page decides without a browser: how inputs are fed, how recordings are read, when bits are the same.
// `build.mjs` bundles these functions and runs this file; a page that fails it is not built.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Latencies, bits, columnsOf, compare, feedingOf, fromNumbers, isSayable, readRecording, request, singleEntry } from "./checked/logic.mjs";

const f32 = (shape) => ({ name: "x", dtype: "f32", shape, offset: 0, bytes: 0 });

test("an input is fed by its shape and the card's window", () => {
  const picture = (layout, channels, height, width) => ({ kind: "picture", layout, channels, height, width });
  const series = (channelMajor, channels, length, hop) => ({ kind: "series", channelMajor, channels, length, hop });
  const cases = [
    [[1, 1, 8, 8], {}, picture("nchw", 1, 8, 8), 64],
    [[1, 28, 28, 1], {}, picture("nhwc", 1, 28, 28), 784],
    [[3, 32, 24], {}, picture("nchw", 3, 32, 24), 2304],
    [[1, 28, 28], {}, picture("nchw", 1, 28, 28), 784],
    [[1, 2, 8, 8], {}, { kind: "values", count: 128 }, 128],
    [[1, 1, 3, 8], {}, { kind: "values", count: 24 }, 24],
    [[1, 64, 6], {}, series(false, 6, 64, 16), 6],
    [[1, 6, 64], {}, series(true, 6, 64, 16), 6],
    [[1, 64, 64], { window: 64, hop: 8 }, series(false, 64, 64, 8), 64],
    [[1, 16, 40], { window: 16, hop: 4 }, series(false, 40, 16, 4), 40],
    [[1, 40, 16], { window: 16 }, series(true, 40, 16, 4), 40],
    [[1, 18], { window: 18, hop: 1 }, series(false, 1, 18, 1), 1],
    [[1, 30], {}, { kind: "values", count: 30 }, 30],
    [[4, 30], {}, series(true, 4, 30, 7), 4],
    [[1], {}, { kind: "values", count: 1 }, 1],
    [[], {}, { kind: "values", count: 1 }, 1],
  ];
  for (const [shape, card, expected, columns] of cases) {
    const feeding = feedingOf(f32(shape), card);
    assert.deepEqual(feeding, expected, `[${shape}]`);
    assert.equal(columnsOf(feeding), columns, `[${shape}]`);
  }
  assert.deepEqual(feedingOf({ ...f32([1, 8, 8]), dtype: "i64" }, {}), { kind: "values", count: 64 });
  assert.equal(singleEntry({ entries: [{ batch: 8 }, { batch: 1 }] }), 1);
});

test("a recording is read whatever stands beside its values", () => {
  const rows = (text, width) => readRecording(text, width).rows.map((row) => [...row]);
  for (const text of ["1,2\n3,4\n", "a,b\n1,2\n3,4", "1;2\r\n3;4\r\n", "# seen\na\tb\n1\t2\n\n3\t4", '"a","b"\n"1","2"\n3,4']) {
    assert.deepEqual(rows(text, 2), [[1, 2], [3, 4]], text);
  }
  const stream = readRecording("series,t,ax,ay,label\nw,0.00,1,2,rest\nw,0.04,3,-4e-3,rest\nw,0.08,5,6,run\n", 2);
  assert.deepEqual([stream.names, stream.rows.length, stream.period?.toFixed(3)], [["ax", "ay"], 3, "0.040"]);
  assert.equal(readRecording("t,x\n1,2\n", 2).period, null, "a column that the model needs is no column of times");

  for (const [text, width, message] of [
    ["", 1, /no row/],
    ["a,b\n", 2, /no row/],
    ["1,2,3\n", 2, /has 3 columns of numbers, the model takes 2/],
    ["a,b\n1,2\n3,x\n", 2, /row 3, column 2.*"x" is not a number/],
    ["1,2\n3\n", 2, /row 2, column 2.*"" is not a number/],
  ]) {
    assert.throws(() => readRecording(text, width), message);
  }
});

test("an answer in JSON is compared bit by bit", () => {
  const values = Float32Array.of(0.1, -0, 1e-45, 3.4028234663852886e38, 1 / 3);
  const said = JSON.parse("[0.1, -0.0, 1e-45, 3.4028235e38, 0.33333334]");
  assert.deepEqual(compare({ data: values }, said), { same: 5, different: 0, unsaid: 0 });

  const f32s = (...values) => ({ data: Float32Array.from(values) });
  const cases = [
    [f32s(0, 1), [-0, 1], { same: 1, different: 1, unsaid: 0 }],
    [f32s(1), [1.0000001], { same: 0, different: 1, unsaid: 0 }],
    [f32s(NaN, Infinity, 1), [null, null, null], { same: 0, different: 1, unsaid: 2 }],
    [f32s(NaN), [0], { same: 0, different: 1, unsaid: 0 }],
    [f32s(1, 2), [1], { same: 0, different: 2, unsaid: 0 }],
    [{ data: BigInt64Array.of(3n, -1n) }, [3, 1], { same: 1, different: 1, unsaid: 0 }],
    [{ data: BigInt64Array.of(2n ** 53n + 1n) }, [2 ** 53], { same: 0, different: 0, unsaid: 1 }],
    [{ data: Uint8Array.of(1, 0) }, [true, false], { same: 2, different: 0, unsaid: 0 }],
  ];
  for (const [tensor, said, expected] of cases) assert.deepEqual(compare(tensor, said), expected, JSON.stringify(said));
  assert.equal(bits(Float32Array.of(1, -0)), "3f800000 80000000");
});

test("a question keeps the sign of zero and says what JSON can say", () => {
  const tensor = { ...f32([1, 3]), name: "a\"b" };
  const body = request([tensor], { [tensor.name]: Float32Array.of(-0, 0.1, 2) });
  assert.match(body, /"data":\[-0\.0,/);
  const [input] = JSON.parse(body).inputs;
  assert.deepEqual([input.name, input.datatype, input.shape], ['a"b', "FP32", [1, 3]]);
  assert.deepEqual(Float32Array.from(input.data), Float32Array.of(-0, 0.1, 2));
  assert.equal(request([{ ...f32([2]), dtype: "bool" }], { x: Uint8Array.of(1, 0) }).includes("[true,false]"), true);
  assert.deepEqual(fromNumbers({ ...f32([2]), dtype: "i64" }, [2.9, NaN]), BigInt64Array.of(2n, 0n));
  for (const [array, expected] of [[Float32Array.of(1), true], [Float32Array.of(NaN), false], [BigInt64Array.of(1n), true]]) {
    assert.equal(isSayable({ x: array }), expected);
  }
});

test("latency is the middle of the last 50", () => {
  const latencies = new Latencies();
  assert.equal(latencies.text, "");
  for (const ms of [900, ...Array.from({ length: 50 }, (_, at) => at)]) latencies.push(ms);
  assert.deepEqual([latencies.p50, latencies.text], [25, "25.0 ms (p50 of 50)"]);
  latencies.push(0.0004);
  assert.match(latencies.text, /ms/);
});

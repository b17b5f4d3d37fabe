// Recorded inputs from CSV: one input a row, or one sample of a stream a row.

export interface Recording {
  /** Names of the columns that hold values. */
  readonly names: readonly string[];
  readonly rows: readonly Float64Array[];
  /** Seconds between rows, where a column of times says so. */
  readonly period: number | null;
}

const TIMES = new Set(["t", "time", "timestamp", "seconds"]);
const MAX_ROWS = 200_000;

/**
 * Reads a table of `width` columns of values. A column of times and columns of words (labels, device names) may stand
 * among them. Throws an Error that names the row and column at fault.
 */
export function readRecording(text: string, width: number): Recording {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const first = lines[0] ?? "";
  const separator = [";", "\t"].find((mark) => first.includes(mark)) ?? ",";
  const table = lines.slice(0, MAX_ROWS + 1).map((line) => line.split(separator).map((field) => field.trim().replace(/^"(.*)"$/, "$1")));
  const isNumber = (field: string | undefined) => field !== undefined && field !== "" && !Number.isNaN(Number(field));
  const named = !(table[0] ?? []).every(isNumber);
  const body = named ? table.slice(1) : table;
  const sample = body[0];
  if (sample === undefined) throw new Error("the CSV has no row of numbers");

  const header = sample.map((_, column) => (named ? (table[0]?.[column] ?? "") : ""));
  const numeric = [...sample.keys()].filter((column) => isNumber(sample[column]));
  const time = numeric.length > width ? numeric.find((column) => TIMES.has(header[column]?.toLowerCase() ?? "")) : undefined;
  const columns = numeric.filter((column) => column !== time);
  if (columns.length !== width) {
    throw new Error(`the CSV has ${columns.length} columns of numbers, the model takes ${width}`);
  }
  const value = (row: readonly string[], line: number, column: number) => {
    const field = row[column];
    if (!isNumber(field)) throw new Error(`row ${line + 1}, column ${column + 1} of the CSV: "${field ?? ""}" is not a number`);
    return Number(field);
  };
  const rows = body.map((row, line) => Float64Array.from(columns, (column) => value(row, line + (named ? 1 : 0), column)));
  const steps = time === undefined ? [] : body.slice(1, 65).map((row, line) => Number(row[time]) - Number(body[line]?.[time]));
  const middle = steps.filter((step) => step > 0).toSorted((a, b) => a - b)[steps.length >> 1];
  return { names: columns.map((column) => header[column] ?? ""), rows, period: middle ?? null };
}

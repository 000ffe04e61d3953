import { isMissing, kindOf } from "./cells.ts";
import type { Table } from "./csv.ts";
import { InputError } from "./errors.ts";
import type { Config, Task } from "./job.ts";

const MAX_DETECTED_CLASSES = 20;
const MAX_CLASSES = 1000;

interface TargetColumn {
  name: string;
  /** Table rows that have a target; all other arrays here are by position in this list. */
  rows: Int32Array;
}

export interface ClassTarget extends TargetColumn {
  task: "classification";
  classes: string[];
  labels: Int32Array;
}

export interface NumberTarget extends TargetColumn {
  task: "regression";
  values: Float64Array;
}

/** What is to be predicted, for every row that says so. */
export type Target = ClassTarget | NumberTarget;

/** Picks the target column, drops the rows without a target and decides the task unless the job states it. */
export function readTarget(table: Table, config: Config): Target {
  const name = config.target ?? table.names.at(-1)!;
  const cells = table.columns[table.names.indexOf(name)];
  if (cells === undefined)
    throw new InputError(
      `the data has no column ${JSON.stringify(name)} to be the target; it has ${list(table.names)}`,
    );
  const rows = rowsWithValue(cells);
  if (rows.length === 0) throw new InputError(`no row has a value for the target ${JSON.stringify(name)}`);
  const numeric = kindOf(cells, rows) === "numeric";
  const task = config.task ?? detectTask(cells, rows, numeric);
  if (task === "classification") return { task, name, rows, ...readClasses(cells, rows, numeric, name) };
  if (!numeric)
    throw new InputError(`the target ${JSON.stringify(name)} is not numeric: regression needs numbers`);
  return { task, name, rows, values: readValues(cells, rows, name) };
}

function rowsWithValue(cells: string[]): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < cells.length; row++) if (!isMissing(cells[row]!)) rows.push(row);
  return Int32Array.from(rows);
}

function detectTask(cells: string[], rows: Int32Array, numeric: boolean): Task {
  if (!numeric) return "classification";
  const distinct = new Set<number>();
  for (const row of rows) {
    const value = Number(cells[row]);
    if (!Number.isInteger(value) || distinct.add(value).size > MAX_DETECTED_CLASSES) return "regression";
  }
  return "classification";
}

function readClasses(cells: string[], rows: Int32Array, numeric: boolean, name: string) {
  // "1", "1.0" and "01" are one class when the column is numeric.
  const labelOf = (row: number) => (numeric ? String(Number(cells[row]) + 0) : cells[row]!);
  const distinct = new Set<string>();
  for (const row of rows) distinct.add(labelOf(row));
  if (distinct.size < 2)
    throw new InputError(
      `the target ${JSON.stringify(name)} has one class only: ${JSON.stringify([...distinct][0])}`,
    );
  if (distinct.size > MAX_CLASSES)
    throw new InputError(
      `the target ${JSON.stringify(name)} has ${distinct.size} classes, more than ${MAX_CLASSES}`,
    );
  const classes = numeric ? [...distinct].sort((a, b) => Number(a) - Number(b)) : [...distinct].sort();
  const index = new Map(classes.map((label, at) => [label, at]));
  return { classes, labels: Int32Array.from(rows, (row) => index.get(labelOf(row))!) };
}

function readValues(cells: string[], rows: Int32Array, name: string): Float64Array {
  const values = Float64Array.from(rows, (row) => Number(cells[row]));
  if (values.some((value) => !Number.isFinite(Math.fround(value))))
    throw new InputError(`the target ${JSON.stringify(name)} has a value beyond the range of float32`);
  if (values.every((value) => value === values[0]))
    throw new InputError(`the target ${JSON.stringify(name)} has one value only: ${values[0]}`);
  return values;
}

function list(names: string[]): string {
  const shown = names.slice(0, 20).map((name) => JSON.stringify(name));
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}

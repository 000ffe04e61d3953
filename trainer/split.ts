import { InputError } from "./errors.ts";
import { shuffle, type Random } from "./random.ts";
import type { Target } from "./target.ts";

const MIN_TEST_ROWS = 2;

/** Positions in the target's row list, all in random order. */
export interface Split {
  train: Int32Array;
  test: Int32Array;
  /** Rows that decide when to stop, where something does. */
  validation?: Int32Array;
}

/** Holds rows back for the test; of every class with two rows or more, at least one goes to each side. */
export function splitRows(target: Target, testFraction: number, random: Random): Split {
  const train: number[] = [];
  const test: number[] = [];
  for (const group of groups(target, Int32Array.from(target.rows.keys()))) {
    shuffle(group, random);
    const held = testCount(group.length, testFraction);
    group.forEach((position, at) => (at < held ? test : train).push(position));
  }
  if (test.length < MIN_TEST_ROWS)
    throw new InputError(
      `${test.length} of ${target.rows.length} rows would be left to test with: at least ${MIN_TEST_ROWS} are ` +
        "needed (more data, or a larger test_fraction)",
    );
  const split = { train: Int32Array.from(train), test: Int32Array.from(test) };
  shuffle(split.train, random);
  shuffle(split.test, random);
  return split;
}

function testCount(size: number, fraction: number): number {
  return size < 2 ? 0 : Math.min(Math.max(Math.round(size * fraction), 1), size - 1);
}

/** Sets rows aside from those to train on, to be watched; of every class with two rows or more, one at least. */
export function setAside(target: Target, split: Split, fraction: number, random: Random): Split {
  const train: number[] = [];
  const validation: number[] = [];
  for (const group of groups(target, split.train)) {
    shuffle(group, random);
    const held = testCount(group.length, fraction);
    group.forEach((position, at) => (at < held ? validation : train).push(position));
  }
  if (validation.length < MIN_TEST_ROWS)
    throw new InputError(
      `${validation.length} rows would be left to decide when to stop: at least ${MIN_TEST_ROWS} are needed`,
    );
  const aside = { ...split, train: Int32Array.from(train), validation: Int32Array.from(validation) };
  shuffle(aside.train, random);
  shuffle(aside.validation, random);
  return aside;
}

/** Deals the rows to train on into `count` parts, class by class; each part is once the test of the others. */
export function foldsOf(target: Target, train: Int32Array, count: number, random: Random): Split[] {
  const parts: number[][] = Array.from({ length: count }, () => []);
  let next = 0;
  for (const group of groups(target, train)) {
    shuffle(group, random);
    for (const position of group) parts[next++ % count]!.push(position);
  }
  const least = Math.min(...parts.map(({ length }) => length));
  if (least < MIN_TEST_ROWS)
    throw new InputError(
      `${count} folds would have as few as ${least} rows: at least ${MIN_TEST_ROWS} are needed`,
    );
  return parts.map((test, at) => {
    const rest = Int32Array.from(parts.flatMap((part, other) => (other === at ? [] : part)));
    shuffle(rest, random);
    return { train: rest, test: Int32Array.from(test) };
  });
}

function groups(target: Target, positions: Int32Array): Int32Array[] {
  if (target.task === "regression") return [positions.slice()];
  const byClass: number[][] = target.classes.map(() => []);
  for (const position of positions) byClass[target.labels[position]!]!.push(position);
  return byClass.map((own) => Int32Array.from(own));
}

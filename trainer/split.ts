import { InputError } from "./errors.ts";
import { shuffle, type Random } from "./random.ts";
import type { Target } from "./target.ts";

const MIN_TEST_ROWS = 2;

/** Positions in the target's row list; both lists are in random order. */
export interface Split {
  train: Int32Array;
  test: Int32Array;
}

/** Holds rows back for the test; of every class with two rows or more, at least one goes to each side. */
export function splitRows(target: Target, testFraction: number, random: Random): Split {
  const train: number[] = [];
  const test: number[] = [];
  for (const group of groups(target)) {
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

function groups(target: Target): Int32Array[] {
  if (target.task === "regression") return [Int32Array.from(target.rows.keys())];
  const byClass: number[][] = target.classes.map(() => []);
  target.labels.forEach((label, position) => byClass[label]!.push(position));
  return byClass.map((positions) => Int32Array.from(positions));
}

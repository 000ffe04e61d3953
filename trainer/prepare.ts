import { weightsOf } from "./class-weights.ts";
import type { Table } from "./csv.ts";
import { encode, fitEncoder, type Encoder, type Inputs } from "./encoder.ts";
import type { Config } from "./job.ts";
import { createObjective, type Objective } from "./objective.ts";
import type { Pacer } from "./pacer.ts";
import { createRandom } from "./random.ts";
import { setAside, splitRows, type Split } from "./split.ts";
import { readTarget, type Target } from "./target.ts";

/** Everything a training needs; rows of `inputs`, `target` and `split` are positions in `target.rows`. */
export interface Prepared {
  target: Target;
  split: Split;
  encoder: Encoder;
  inputs: Inputs;
  objective: Objective;
  droppedRows: number;
}

/** Decides the task, splits the rows and encodes them; statistics come from the training rows only. */
export async function prepare(table: Table, config: Config, pacer: Pacer): Promise<Prepared> {
  const target = readTarget(table, config);
  const split = splitRows(target, config.testFraction, createRandom(config.seed, "split"));
  return prepareSplit(table, target, split, config, pacer);
}

/** Likewise for rows that are split already, as those of a fold are. */
export async function prepareSplit(
  table: Table,
  target: Target,
  given: Split,
  config: Config,
  pacer: Pacer,
): Promise<Prepared> {
  const { earlyStopping, classWeights, seed } = config;
  const split = earlyStopping
    ? setAside(target, given, earlyStopping.validationFraction, createRandom(seed, "validation"))
    : given;
  const trainRows = Int32Array.from(split.train, (position) => target.rows[position]!);
  const encoder = await fitEncoder(table, target.name, target.rows, trainRows, pacer);
  const cellsOf = (name: string) => table.columns[table.names.indexOf(name)]!;
  return {
    target,
    split,
    encoder,
    inputs: await encode(encoder, cellsOf, target.rows, pacer),
    objective: createObjective(target, split.train, weightsOf(target, split.train, classWeights)),
    droppedRows: table.rows - target.rows.length,
  };
}

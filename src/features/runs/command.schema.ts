import { z } from "#http/contract";
import { isWorkPath } from "../../kernel/work-path.ts";

export const KINDS = ["builtin:tabular", "command"] as const;

export const Label = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:/-]{0,62}$/, "must be a word of at most 63 letters, digits and _.:/-")
  .openapi({ example: "gpu" });

/** A relative path with `/` between its parts. */
export const WorkPath = z
  .string()
  .max(512)
  .refine(isWorkPath, "must be a relative path without `..`, `\\` or control characters")
  .openapi({ example: "data/train.csv" });

const MAX_TEXT = 16_384;
const MAX_ARGV = 131_072;
const MAX_SCRIPT = 262_144;

/** Text a process can be given: no NUL, nothing half of a character. */
const ProcessText = z
  .string()
  .max(MAX_TEXT)
  .refine((text) => !text.includes("\0") && text.isWellFormed(), "must not hold NUL or broken characters");

const RESERVED = /^(?:MYELIN|MLFLOW)_/i;
const EnvName = z
  .string()
  .regex(/^[A-Za-z_]\w{0,127}$/, "must be a name of letters, digits and _")
  .refine((name) => !RESERVED.test(name), "must not begin with MYELIN_ or MLFLOW_, which are set for it");

const CommandFile = z
  .object({ dataset_id: z.uuid().optional(), model_version_id: z.uuid().optional(), as: WorkPath })
  .refine(
    ({ dataset_id: dataset, model_version_id: version }) =>
      (dataset === undefined) !== (version === undefined),
    "needs either `dataset_id` or `model_version_id`",
  )
  .openapi("CommandFile", {
    example: { dataset_id: "5f0c1a52-0d6c-4c4e-9a53-3d1b1d3a9b10", as: "train.csv" },
  });

const isFree = (paths: string[]): boolean => {
  const taken = new Set(paths);
  const folders = paths.flatMap((path) => path.split("/").map((_, i, parts) => parts.slice(0, i).join("/")));
  return taken.size === paths.length && !folders.some((folder) => taken.has(folder));
};

/** What an agent runs for a run of the kind `command`, in a folder of its own with these files in it. */
export const Command = z
  .object({
    argv: z
      .array(ProcessText)
      .min(1)
      .max(256)
      .optional()
      .openapi({
        description: "The program and its arguments, without a shell.",
        example: ["python3", "-V"],
      }),
    script: z
      .string()
      .min(1)
      .max(MAX_SCRIPT)
      .refine((text) => !text.includes("\0") && text.isWellFormed(), "must be text")
      .optional()
      .openapi({ description: "Instead of `argv`: a program's text, handed to `interpreter` as a file." }),
    interpreter: z
      .string()
      .regex(/^[\w.+/-]{1,200}$/, "must be a program's name or path")
      .optional()
      .openapi({ description: "What reads the script; `python3` when absent." }),
    files: z
      .array(CommandFile)
      .max(32)
      .default([])
      .openapi({ description: "Your datasets and model versions, put into the working folder." }),
    env: z.record(EnvName, ProcessText).default({}).openapi({
      description: "Variables of the process. They are stored and shown with the run: no place for secrets.",
    }),
  })
  .superRefine(({ argv, script, interpreter, files, env }, ctx) => {
    if ((argv === undefined) === (script === undefined))
      ctx.addIssue({
        code: "custom",
        path: ["argv"],
        message: "either `argv` or `script` is needed, not both",
      });
    if (argv?.[0] === "") ctx.addIssue({ code: "custom", path: ["argv", 0], message: "must name a program" });
    if (argv && interpreter !== undefined)
      ctx.addIssue({ code: "custom", path: ["interpreter"], message: "goes with `script` only" });
    if ((argv ?? []).reduce((sum, { length }) => sum + length, 0) > MAX_ARGV)
      ctx.addIssue({ code: "custom", path: ["argv"], message: `may have ${MAX_ARGV} characters in all` });
    if (Object.keys(env).length > 64)
      ctx.addIssue({ code: "custom", path: ["env"], message: "may have at most 64 variables" });
    if (!isFree(files.map(({ as }) => as)))
      ctx.addIssue({ code: "custom", path: ["files"], message: "two of them would have the same place" });
  })
  .openapi("Command", { example: { argv: ["python3", "-V"], files: [], env: {} } });
export type Command = z.infer<typeof Command>;

import { z } from "#http/contract";

const MAX = 50;

const Tag = z.string().normalize().trim().toLowerCase().min(1).max(50);
/** One tag as it is kept: without capitals and outer spaces. */
export const TagQuery = Tag.openapi({ description: "Only models with this tag." });

export const Tags = z
  .array(Tag)
  .max(MAX)
  .transform((tags) => [...new Set(tags)])
  .openapi({
    type: "array",
    items: { type: "string", minLength: 1, maxLength: 50 },
    maxItems: MAX,
    description: "Kept in lower case, each once.",
  });

const Label = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/);

export const Labels = z
  .record(Label, z.string().max(250))
  .refine((labels) => Object.keys(labels).length <= MAX, `must be at most ${MAX}`)
  .openapi({
    type: "object",
    additionalProperties: { type: "string", maxLength: 250 },
    maxProperties: MAX,
    description: "Pairs of texts; replaces those there were.",
  });

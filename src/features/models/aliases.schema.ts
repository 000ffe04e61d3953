import { Timestamp, z } from "#http/contract";

/** What programs put into an address when a variable of theirs is not set. */
const UNSET = ["null", "undefined"];

const Alias = z.string().regex(/^[a-z][a-z0-9._-]{0,62}$/);
/** What begins as an id was meant as one. */
const LIKE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

export const AliasParams = z.object({
  id: z
    .uuid()
    .toLowerCase()
    .openapi({ param: { name: "id", in: "path" } }),
  alias: Alias.refine((name) => !UNSET.includes(name) && !LIKE_ID.test(name)).openapi({
    param: { name: "alias", in: "path" },
    description: "Without the `@`; neither `null` nor `undefined`, nor like an id.",
    example: "champion",
  }),
});

export const SetAlias = z
  .object({ version: z.number().int().min(1).max(2_147_483_647) })
  .openapi("SetModelAlias");

export const ModelAlias = z
  .object({
    alias: z.string(),
    version: z.number().int(),
    version_id: z.uuid(),
    updated_at: Timestamp.openapi({ description: "When it came to this version." }),
  })
  .openapi("ModelAlias");
export type ModelAlias = z.infer<typeof ModelAlias>;

export interface AliasRecord {
  alias: string;
  version: number;
  versionId: string;
  updatedAt: Date;
}

export const toModelAlias = (row: AliasRecord): ModelAlias => ({
  alias: row.alias,
  version: row.version,
  version_id: row.versionId,
  updated_at: row.updatedAt.toISOString(),
});

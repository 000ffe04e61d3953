import type { Ctx } from "../../kernel/ctx.ts";
import type { StoredFile } from "../files/index.ts";
import { emptyFile } from "./models.errors.ts";
import { recognizeStored } from "./recognition.service.ts";
import { insertVersion, type NewVersion, type OwnedVersion } from "./versions.repo.ts";

export function refuseEmpty({ fileSize }: StoredFile): void {
  if (fileSize === 0) throw emptyFile();
}

/** Looks at a stored file and makes it a version; `undefined` where `insertVersion` makes none. The caller has allowed it. */
export async function takeIn(ctx: Ctx, input: NewVersion): Promise<OwnedVersion | undefined> {
  refuseEmpty(input.file);
  const row = await insertVersion(ctx.db, { ...input, ...(await recognizeStored(ctx, input.file)) });
  if (row) {
    const { modelId, version, source, format } = row;
    ctx.log("info", "models.version_added", { model_id: modelId, version, source, format });
  }
  return row;
}

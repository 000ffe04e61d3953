import { and, eq, sql } from "drizzle-orm";
import type { Db } from "#db/client";
import { type CellStatus, type JsonObject, notebookCells, notebooks, type NotebookStatus } from "#db/schema";
import type { KernelName } from "../../kernel/ports/kernels.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { mayStill, stillMay } from "../accounts/index.ts";

export interface BegunCell {
  source: string;
  /** The count this execution gets. */
  executionCount: number;
}

export interface EndedCell {
  status: CellStatus;
  outputs: JsonObject[];
}

/** What a notebook's room reads and writes in the database. */
export interface RoomArchive {
  find(id: string): Promise<{ ownerId: string; kernel: KernelName; status: NotebookStatus } | undefined>;
  codeCells(id: string): Promise<string[]>;
  /** Marks a cell as running and empties its outputs; nothing when it is gone or no code. */
  beginCell(id: string, cellId: string): Promise<BegunCell | undefined>;
  endCell(id: string, cellId: string, end: EndedCell): Promise<void>;
  setStatus(id: string, status: NotebookStatus): Promise<void>;
  /** Ends on paper what ended in truth when its room did; `lost` is what the cells get to say. */
  recover(id: string, lost: JsonObject): Promise<void>;
  stillMay(id: string, watchers: Watcher[]): Promise<Watcher[]>;
  /** Of these users the ones that may have its cells run. */
  mayRun(id: string, userIds: string[]): Promise<string[]>;
}

const one = (notebookId: string, id: string) =>
  and(eq(notebookCells.notebookId, notebookId), eq(notebookCells.id, id));

const ownerOf = (id: string) =>
  sql<string | null>`(select ${notebooks.ownerId} from ${notebooks} where ${eq(notebooks.id, id)})`;

export const createRoomArchive = (db: Db): RoomArchive => ({
  async find(id) {
    const { ownerId, kernel, status } = notebooks;
    const [row] = await db.select({ ownerId, kernel, status }).from(notebooks).where(eq(notebooks.id, id));
    return row;
  },
  async codeCells(id) {
    const rows = await db
      .select({ id: notebookCells.id })
      .from(notebookCells)
      .where(and(eq(notebookCells.notebookId, id), eq(notebookCells.cellType, "code")))
      .orderBy(notebookCells.position);
    return rows.map((row) => row.id);
  },
  async beginCell(id, cellId) {
    const [row] = await db
      .update(notebookCells)
      .set({
        status: "running",
        outputs: [],
        executionCount: sql`coalesce(${notebookCells.executionCount}, 0) + 1`,
      })
      .where(and(one(id, cellId), eq(notebookCells.cellType, "code")))
      .returning({ source: notebookCells.source, executionCount: notebookCells.executionCount });
    return row && { source: row.source, executionCount: row.executionCount! };
  },
  async endCell(id, cellId, end) {
    // One that has been made a text meanwhile has no outputs.
    await db
      .update(notebookCells)
      .set(end)
      .where(and(one(id, cellId), eq(notebookCells.cellType, "code")));
  },
  async setStatus(id, status) {
    await db
      .update(notebooks)
      .set({ status, updatedAt: sql`now()` })
      .where(eq(notebooks.id, id));
  },
  async recover(id, lost) {
    await db.batch([
      db
        .update(notebookCells)
        .set({ status: "error", outputs: [lost] })
        .where(and(eq(notebookCells.notebookId, id), eq(notebookCells.status, "running"))),
      db
        .update(notebooks)
        .set({ status: "failed" })
        .where(and(eq(notebooks.id, id), eq(notebooks.status, "running"))),
    ]);
  },
  stillMay: (id, watchers) => stillMay(db, watchers, { permission: "notebooks:read", owner: ownerOf(id) }),
  mayRun: (id, userIds) => mayStill(db, userIds, { permission: "notebooks:run", owner: ownerOf(id) }),
});

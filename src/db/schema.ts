export * from "./schema/agents.ts";
export * from "./schema/datasets.ts";
export * from "./schema/endpoints.ts";
export * from "./schema/models.ts";
export * from "./schema/orphan-blobs.ts";
export * from "./schema/runs.ts";
export * from "./schema/users.ts";

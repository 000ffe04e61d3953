import { z } from "#http/contract";

const count = () => z.number().int();

/** All counted in the database at one moment; there is nothing in it that could be unknown. */
export const AdminStats = z
  .object({
    users_total: count(),
    users_suspended: count(),
    users_pending: count(),
    sessions_live: count(),
    tokens_total: count().openapi({ description: "API tokens neither revoked nor expired." }),
    datasets_total: count(),
    runs_total: count(),
    runs_running: count(),
    models_total: count(),
    model_versions_total: count(),
    endpoints_total: count(),
    endpoints_running: count(),
    agents_total: count(),
    agents_connected: count(),
    file_bytes: z.number().openapi({ description: "Of datasets and model versions." }),
  })
  .openapi("AdminStats");
export type AdminStats = z.infer<typeof AdminStats>;

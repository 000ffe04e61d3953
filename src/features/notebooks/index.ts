/**
 * Notebooks: their cells and checkpoints, and the room where their cells are run.
 * Tables: notebooks, notebook_cells, notebook_checkpoints. Object: NotebookRoom, one per notebook. Blobs:
 * `notebooks/<notebook id>/<uuid>`.
 */
export { cellRoutes } from "./cells.routes.ts";
export { checkpointRoutes } from "./checkpoints.routes.ts";
export { executionRoutes } from "./execution.routes.ts";
export { createNotebookRoom, type NotebookRoomPorts } from "./notebook-room.object.ts";
export { notebookRoutes } from "./notebooks.routes.ts";
export { createRoomArchive } from "./room-archive.repo.ts";
export { notebookStreamRoutes } from "./stream.routes.ts";

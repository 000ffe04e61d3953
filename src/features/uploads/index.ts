/**
 * Large model files that come in parts, straight to the store where that signs addresses, and can be taken up again.
 * Tables: model_uploads, model_upload_parts. Blobs: `models/<model id>/<uuid>`, the registry's once they are versions.
 */
export { sweepUploads } from "./sweep.ts";
export { uploadRoutes } from "./uploads.routes.ts";

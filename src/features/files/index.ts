/**
 * Files on their way in and out of blob storage, and the sweep of blobs nothing owns.
 * Tables: orphan_blobs. Blobs: whatever the prefixes of its callers name.
 */
export { adopt } from "./files.repo.ts";
export { digestOf, type StoredFile, storeFile, sweepOrphans } from "./files.service.ts";

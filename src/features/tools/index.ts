/**
 * Model tools: what is in a model file, and other files made of it. What they make are new versions of the model.
 * No tables, blobs or objects of their own.
 */
export { toolRoutes } from "./tools.routes.ts";

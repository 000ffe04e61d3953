/**
 * Whether the deployment is well, and the few pages people open in a browser.
 * No tables.
 */
export { pageRoutes } from "./pages.ts";
export { statusRoutes } from "./status.routes.ts";

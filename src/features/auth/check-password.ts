export { isPasswordOf } from "../accounts/index.ts";

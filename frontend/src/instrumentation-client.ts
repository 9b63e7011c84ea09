/** Next.js runs this module before any other code of a page. */
import "./polyfills";

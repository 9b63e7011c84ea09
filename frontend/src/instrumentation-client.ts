/** Next.js runs this before anything else of a page. */
import "./polyfills";

/**
 * Writes the API client from the OpenAPI document that the server generates.
 * `--check` writes it elsewhere and says whether the committed one is the same.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@hey-api/openapi-ts";

const frontend = join(dirname(fileURLToPath(import.meta.url)), "..");
const committed = join(frontend, "src", "api", "generated");
const check = process.argv.includes("--check");
const python = process.env.PYTHON ?? join(frontend, "..", ".venv", "bin", "python");
const folder = mkdtempSync(join(tmpdir(), "estuary-api-"));

function files(root) {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function same(left, right) {
  const names = files(left);
  if (names.join() !== files(right).join()) return false;
  return names.every((name) => readFileSync(join(left, name)).equals(readFileSync(join(right, name))));
}

try {
  const schema = join(folder, "openapi.yaml");
  execFileSync(python, ["manage.py", "spectacular", "--file", schema], {
    cwd: join(frontend, ".."),
    env: { ESTUARY_SANDBOX: "1", DATABASE_URL: "postgresql://nobody@127.0.0.1:9/nothing", ...process.env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const output = check ? join(folder, "generated") : committed;
  await createClient({
    input: schema,
    output: { path: output, clean: true },
    plugins: [
      "@hey-api/typescript",
      "@hey-api/sdk",
      { name: "@hey-api/client-fetch", runtimeConfigPath: "@/api/runtime" },
    ],
    logs: { level: "silent" },
  });
  if (check && !same(output, committed)) {
    console.error(
      "src/api/generated is not what the API says today. Run `npm run api` and commit the result.",
    );
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

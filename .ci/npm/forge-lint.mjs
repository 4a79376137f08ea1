// Atlassian's linter over the manifests of folders, without the network:
//   node .ci/npm/forge-lint.mjs FOLDER…
// Prints JSON, for each folder: `problems`, a line each, and the `manifest` as it was read.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(import.meta.url);
const { ProcessorBuilder, ValidationTypes, validateTriggerScopes } = require("@forge/manifest");
const { parse } = require("yaml");

const processor = ProcessorBuilder.instance().withValidation(ValidationTypes.FULL).build();

/** @param {string} folder */
async function lint(folder) {
  process.chdir(folder);
  const { errors = [] } = await processor.process("manifest.yml");
  const problems = errors.map(({ level, message, line }) => `${level} at line ${line ?? "?"}: ${message}`);
  const manifest = parse(readFileSync("manifest.yml", "utf8"));
  const { scopes = [] } = manifest.permissions ?? {};
  for (const event of (manifest.modules?.trigger ?? []).flatMap(({ events = [] }) => events)) {
    const { missingScopes } = await validateTriggerScopes(event, scopes);
    problems.push(...missingScopes.map((scope) => `error: ${event} needs ${scope}`));
  }
  return { problems, manifest };
}

const linted = [];
for (const folder of process.argv.slice(2).map((one) => resolve(one))) linted.push(await lint(folder));
process.stdout.write(JSON.stringify(linted));

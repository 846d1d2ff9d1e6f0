// Bundles Vega and Vega-Lite into one script, and gathers the licences of all that is in it.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const TARGET = "../../benchcli/data/web";

const { metafile } = await build({
  entryPoints: ["entry.js"],
  outfile: `${TARGET}/vega.js`,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "charts",
  target: "es2020",
  charset: "ascii",
  legalComments: "none", // vega-licences.txt has all of them
  metafile: true,
});

// A report holds no control character but the new line: a tab in a string is written as its escape.
const bundle = `${TARGET}/vega.js`;
writeFileSync(bundle, readFileSync(bundle, "utf8").replaceAll("\t", "\\t"));

const [output] = Object.values(metafile.outputs);
const names = new Set();
for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
  const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
  if (bytesInOutput > 0 && found) names.add(found[1]);
}

const packagesOf = new Map(); // by the text of their licence
for (const name of [...names].sort()) {
  const folder = `node_modules/${name}`;
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = readFileSync(`${folder}/${file}`, "utf8").trim().replace(/\r/g, "");
  packagesOf.set(text, [...(packagesOf.get(text) ?? []), `${name} ${version}`]);
}
const sections = [...packagesOf].map(([text, packages]) => `${packages.join(", ")}\n\n${text}\n`);
writeFileSync(`${TARGET}/vega-licences.txt`, sections.join(`\n${"-".repeat(72)}\n\n`));

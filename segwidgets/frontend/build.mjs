// Bundles each widget into one ES module that anywidget can send: styles inside, nothing loaded from anywhere.
// The output depends on the sources and the locked versions only, so CI can rebuild and compare.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** Style sheets come in as minified text; the widget puts them into its own element. */
const styleText = {
  name: "style-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const WIDGETS = ["pointcloud", "kdistance", "setting", "segmenttable", "historystrip", "leaderboard", "surroundings", "heatmap"];
/** The script of a report's live map: it stands in a page by itself, so it is no module. */
const REPORT = "report";
/** `node build.mjs setting` builds that one alone. */
const wanted = process.argv.length > 2 ? process.argv.slice(2) : [...WIDGETS, REPORT];
for (const name of wanted) {
  if (name !== REPORT && !WIDGETS.includes(name)) {
    throw new Error(`There is no widget "${name}": the widgets are ${WIDGETS.join(", ")}, and there is "${REPORT}".`);
  }
}

const shared = {
  absWorkingDir: here,
  bundle: true,
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  banner: { js: "// Generated from segwidgets/frontend by `npm run build`; edit the sources there, not this file." },
  plugins: [styleText],
  logLevel: "info",
};

const widgets = wanted.filter((name) => name !== REPORT);
if (widgets.length > 0) {
  await esbuild.build({
    ...shared,
    entryPoints: Object.fromEntries(widgets.map((name) => [name, `src/${name}.ts`])),
    outdir: join(here, "..", "panel", "static"),
    format: "esm",
  });
}
if (wanted.includes(REPORT)) {
  const outfile = join(here, "..", "report", "static", "live.js");
  await esbuild.build({ ...shared, entryPoints: [`src/${REPORT}.ts`], outfile, format: "iife" });
}

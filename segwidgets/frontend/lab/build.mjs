// Builds the JupyterLab extension into segwidgets/lab/labextension: esbuild makes one module and one style sheet of the
// sources, then @jupyter/builder makes of them what JupyterLab loads. The output depends on the sources and the locked versions only.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const laid = join(here, "build");
const outcome = join(here, "..", "..", "lab", "labextension");
const require = createRequire(import.meta.url);

/** One version for all: the Python package's. */
const python = readFileSync(join(here, "..", "..", "__init__.py"), "utf8");
const version = /^__version__ = "(.+)"$/m.exec(python)?.[1];
if (!version) throw new Error("segwidgets/__init__.py names no __version__.");

rmSync(laid, { recursive: true, force: true });
mkdirSync(join(laid, "style"), { recursive: true });
const common = { absWorkingDir: here, bundle: true, charset: "utf8", legalComments: "none", logLevel: "warning" };
await esbuild.build({
  ...common,
  entryPoints: ["src/index.ts"],
  outfile: "build/lib/index.js",
  format: "esm",
  target: "es2022",
  packages: "external", // JupyterLab has them
  define: { SEGWIDGETS_VERSION: JSON.stringify(version) },
});
await esbuild.build({ ...common, entryPoints: ["src/style.css"], outfile: "build/style/index.css", minify: true });
writeFileSync(join(laid, "style", "index.js"), 'import "./index.css";\n');
cpSync(join(here, "schema"), join(laid, "schema"), { recursive: true });
const { private: _private, devDependencies: _devDependencies, scripts: _scripts, ...published } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
// The ids of modules are else drawn from where the sources lie on this machine.
writeFileSync(join(laid, "ids.cjs"), 'module.exports = { optimization: { moduleIds: "natural", chunkIds: "natural" } };\n');
// Any JupyterLab from the oldest that is supported will do, not only the one of which the types are.
const sharedPackages = Object.fromEntries(Object.entries(published.dependencies).map(([name, requiredVersion]) => [name, { requiredVersion }]));
published.jupyterlab = { ...published.jupyterlab, webpackConfig: "ids.cjs", sharedPackages };
writeFileSync(join(laid, "package.json"), `${JSON.stringify({ ...published, version }, null, 2)}\n`);

const builder = join(dirname(require.resolve("@jupyter/builder/package.json")), "lib", "build-labextension.js");
const core = join(dirname(require.resolve("@jupyterlab/core-meta/package.json")), "core.package.json");
execFileSync(process.execPath, [builder, "--core-package-file", core, laid], { cwd: laid, stdio: ["ignore", "pipe", "inherit"] });

// For `jupyter labextension list` and whoever wants to remove it.
const install = {
  packageManager: "python",
  packageName: "segwidgets",
  uninstallInstructions: 'Use your Python package manager (pip, conda, etc.) to uninstall the package segwidgets',
};
writeFileSync(join(outcome, "install.json"), `${JSON.stringify(install, null, 2)}\n`);

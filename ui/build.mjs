// Builds the page into the Python package. File names carry a hash of their content, so that the
// server may let browsers keep them for good; index.html names them and is never kept.

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = join(HERE, "..", "src", "soniq", "dashboard", "static");
const BUDGET = 150_000; // bytes, compressed: what a first visit may cost

const fresh = `${TARGET}.new-${process.pid}`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
try {
  const { metafile } = await build({
    absWorkingDir: HERE,
    entryPoints: { app: "src/main.tsx", theme: "src/theme_first.ts", icon: "icon.svg" },
    outdir: fresh,
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    metafile: true,
    format: "esm",
    target: ["es2022", "chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".woff2": "file", ".svg": "copy" },
    legalComments: "none",
    logLevel: "warning",
  });
  const built = Object.keys(metafile.outputs).map((path) => basename(path));
  writeFileSync(join(fresh, "index.html"), page(built));
  writeFileSync(join(fresh, "licences.txt"), licences());
  report();
  rmSync(TARGET, { recursive: true, force: true });
  renameSync(fresh, TARGET);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

function page(built) {
  const one = (start, end) => {
    const found = built.filter((name) => name.startsWith(start) && name.endsWith(end));
    if (found.length !== 1) throw new Error(`expected one ${start}*${end}, got ${found}`);
    return found[0];
  };
  return readFileSync(join(HERE, "index.html"), "utf8")
    .replace("THEME_SCRIPT", one("theme-", ".js"))
    .replace("APP_ICON", one("icon-", ".svg"))
    .replace("APP_STYLE", one("app-", ".css"))
    .replace("APP_SCRIPT", one("app-", ".js"));
}

function licences() {
  const modules = join(HERE, "node_modules");
  const folders = ["preact", "@preact/signals", "@preact/signals-core", "uplot", "@fontsource-variable/inter"];
  return folders
    .map((folder) => {
      const file = readdirSync(join(modules, folder)).find((name) => /^licen[cs]e/i.test(name));
      if (!file) throw new Error(`${folder} comes without a licence file`);
      return `${folder}\n\n${readFileSync(join(modules, folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

function report() {
  let sum = 0;
  for (const name of readdirSync(fresh).sort()) {
    if (name === "licences.txt") continue;
    const size = gzipSync(readFileSync(join(fresh, name)), { level: 9 }).length;
    sum += size;
    console.log(`  ${name.padEnd(44)} ${(size / 1000).toFixed(1).padStart(6)} kB`);
  }
  console.log(`  ${"compressed".padEnd(44)} ${(sum / 1000).toFixed(1).padStart(6)} kB`);
  if (sum > BUDGET) throw new Error(`the page is ${sum} bytes compressed; ${BUDGET} are allowed`);
}

// Takes the addresses that npm writes (funding pages) out of package-lock.json: a lock names versions and hashes, no hosts.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const entry of Object.values(lock.packages)) {
  delete entry.funding;
  // A link's is the folder of a package of ours.
  if (!entry.link) delete entry.resolved;
}
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);

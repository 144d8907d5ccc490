import { read, type Written } from "./report/data";
import { LiveView } from "./report/view";

/** A report's page runs this once; it reads what the page itself holds, and asks nobody. */
const host = document.getElementById("live");
const written = document.getElementById("live-data");
if (host && written) {
  try {
    new LiveView(read(JSON.parse(written.textContent ?? "") as Written), host);
  } catch (error) {
    host.textContent = `The live map cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  }
}

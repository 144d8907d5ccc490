import type { Hello } from "./api";
import { API } from "./api";
import type { Words } from "./words";

/**
 * What does not fit together, each in words that end with how to mend it; empty when all is well. Page and server are
 * compared here, because a server of another version may not know how; server and kernel by the server.
 */
export function mismatches(hello: Hello, page: string, words: Words): string[] {
  const found: string[] = [];
  if (hello.version !== page) {
    found.push(
      words.__(
        "This page runs segwidgets %1, JupyterLab's server %2. Restart JupyterLab and reload the page; if it stays, run “pip install --no-deps segwidgets==%2” in the server's environment first.",
        page,
        hello.version,
      ),
    );
  } else if (hello.api !== API) {
    found.push(
      words.__(
        "This page and JupyterLab's server do not speak the same version of segwidgets' interface (%1 and %2). Restart JupyterLab and reload the page.",
        API,
        hello.api,
      ),
    );
  }
  // While there is no environment at all, its restore or the list of runs says so.
  const { version, problem } = hello.kernel;
  if (version && version !== hello.version && problem) found.push(problem);
  return found;
}

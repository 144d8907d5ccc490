import type { Hello } from "./api";
import { API } from "./api";
import type { Words } from "./words";

/** What does not fit together, each in words that end with how to mend it; empty when all is well. */
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
  const kernel = hello.kernel.version;
  if (kernel !== null && kernel !== "" && kernel !== hello.version) {
    found.push(
      words.__(
        "The kernel's environment has segwidgets %1, JupyterLab's server %2. Run “%3 -m pip install segwidgets==%2”, or install the kernel's version in the server.",
        kernel,
        hello.version,
        hello.kernel.python ?? "python",
      ),
    );
  }
  return found;
}

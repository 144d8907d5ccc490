import type { Words } from "../src/words";

/** The sentences as they stand in the sources, filled in as JupyterLab's translator does it. */
export const english: Words = {
  __: (text, ...values) => text.replace(/%(\d+)/g, (_, at: string) => String(values[Number(at) - 1])),
  _n: (one, many, count, ...values) => english.__(count === 1 ? one : many, count, ...values),
};

/** What is used of JupyterLab's translation bundle, so that the parts that write sentences need no JupyterLab. */
export interface Words {
  __(text: string, ...values: unknown[]): string;
  /** The count itself is %1, what follows it is %2 and so on. */
  _n(one: string, many: string, count: number, ...values: unknown[]): string;
}

/** The name under which JupyterLab's language packs would hold these sentences. */
export const DOMAIN = "segwidgets";

import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection } from "@jupyterlab/services";
import { Token } from "@lumino/coreutils";
import type { Words } from "./words";

/** What went wrong with a request, in words for the reader. */
export class ServerError extends Error {
  constructor(
    message: string,
    /** The machine word of the server extension; "missing" where there is no server extension, "unreachable" without a server. */
    readonly reason: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface IServer {
  get<T>(path: string, query?: Record<string, string | number>): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  /** A text that is not JSON, as a report is. */
  text(path: string): Promise<string>;
}

export const IServer = new Token<IServer>("segwidgets-lab:IServer", "Requests to the server extension of segwidgets.");

/** The way to the server extension: below the base URL, with the token and the XSRF cookie that JupyterLab sends. */
export class Server implements IServer {
  constructor(
    private readonly settings: ServerConnection.ISettings,
    private readonly words: Words,
  ) {}

  async get<T>(path: string, query: Record<string, string | number> = {}): Promise<T> {
    const asked = Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));
    const response = await this.ask(path + URLExt.objectToQueryString(asked), {});
    return (await response.json()) as T;
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    const response = await this.ask(path, { method: "POST", body: JSON.stringify(body) });
    return (await response.json()) as T;
  }

  async text(path: string): Promise<string> {
    return (await this.ask(path, {})).text();
  }

  private async ask(path: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, "segwidgets/api", path);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw new ServerError(this.words.__("JupyterLab's server cannot be reached."), "unreachable", 0);
    }
    if (response.ok) return response;
    const told = await said(response);
    if (told) throw new ServerError(told.message, told.reason, response.status);
    if (response.status === 404) throw new ServerError(absent(this.words), "missing", 404);
    throw new ServerError(this.words.__("The server answered with status %1.", response.status), "status", response.status);
  }
}

/** The server extension's own words; null where the answer is not one of its. */
async function said(response: Response): Promise<{ message: string; reason: string } | null> {
  try {
    const { message, reason } = (await response.json()) as { message?: unknown; reason?: unknown };
    // Jupyter's own page for an unknown address is JSON with a message too, but has no reason of ours.
    if (typeof message !== "string" || typeof reason !== "string" || reason === "") return null;
    return { message, reason };
  } catch {
    return null;
  }
}

export function absent(words: Words): string {
  return words.__(
    "JupyterLab's server has no segwidgets part. Run “pip install --no-deps segwidgets” in the server's environment and restart JupyterLab; “jupyter server extension list” shows whether it is there.",
  );
}

/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

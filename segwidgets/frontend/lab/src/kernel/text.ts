import { count, short } from "../../../src/shared/format";
import type { KernelState, KernelStatus } from "../api";
import type { Words } from "../words";

/** Seconds as a person says them: "40 s", "2 min", "1 h 10 min". Rounded up, so that nothing is promised too early. */
export function roughly(seconds: number, words: Words): string {
  if (seconds < 55) return words.__("%1 s", Math.max(1, Math.ceil(seconds / 5) * 5));
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return words.__("%1 min", minutes);
  const rest = minutes % 60;
  const hours = Math.floor(minutes / 60);
  return rest === 0 ? words.__("%1 h", hours) : words.__("%1 h %2 min", hours, rest);
}

/** Bytes in the unit that leaves one to three digits before the point, by thousands as disks are sold. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? count(Math.round(value)) : short(value, 3)} ${units[at]}`;
}

/** How far a restore is, rounded down: 100 % would be ready. */
function far(fraction: number): string {
  return `${Math.min(99, Math.max(0, Math.floor(fraction * 100)))} %`;
}

/** The text of the status bar; "" where it has nothing to say. */
export function itemText(status: KernelStatus, always: boolean, words: Words): string {
  switch (status.state) {
    case "none":
      return always ? words.__("RAPIDS: no restore here") : "";
    case "unreadable":
      return words.__("RAPIDS: status unreadable");
    case "ready":
      return words.__("RAPIDS: ready");
    case "degraded":
      return status.kernels?.rapids ? words.__("RAPIDS: degraded, an older kernel") : words.__("RAPIDS: degraded, CPU kernel only");
    case "failed":
      return words.__("RAPIDS: failed");
    default: {
      const fraction = status.fraction ?? null;
      const left = status.seconds_left ?? null;
      if (fraction === null) return words.__("RAPIDS: restoring");
      const done = far(fraction);
      if (left === null || left <= 0) return words.__("RAPIDS: restoring %1", done);
      return words.__("RAPIDS: restoring %1 (%2 left)", done, roughly(left, words));
    }
  }
}

/** What a screen reader is told: as little as says how it goes, and a new sentence at each quarter at most. */
export function spoken(status: KernelStatus, words: Words): string {
  if (status.state === "none") return "";
  if (status.state !== "restoring") return itemText(status, false, words);
  const quarter = Math.floor((status.fraction ?? 0) * 4) * 25;
  if (quarter <= 0) return words.__("The RAPIDS kernel is being restored.");
  return words.__("The RAPIDS kernel is being restored: %1 % done.", quarter);
}

/** The phases of a restore in plain words; one that is not known here is shown as it is called. */
export function phaseText(phase: string, words: Words): string {
  switch (phase) {
    case "starting":
      return words.__("Starting");
    case "fetching":
      return words.__("Fetching the bundle");
    case "checking":
      return words.__("Checking what is there");
    case "bootstrap":
      return words.__("Preparing the installer");
    case "downloading":
      return words.__("Downloading packages");
    case "installing cpu":
      return words.__("Installing the CPU kernel");
    case "cpu kernel":
      return words.__("Registering the CPU kernel");
    case "installing":
      return words.__("Installing packages");
    case "pip":
      return words.__("Installing what pip brings");
    case "smoke test":
      return words.__("Testing the new environment");
    case "registering":
      return words.__("Registering the kernel");
    case "server":
      return words.__("Preparing JupyterLab's server");
    case "pruning":
      return words.__("Removing old environments");
    case "done":
      return words.__("Done");
    default:
      return phase;
  }
}

export interface Fact {
  label: string;
  value: string;
}

/** What the details list, in their order; what is not known is left out. */
export function facts(status: KernelStatus, words: Words): Fact[] {
  const found: Fact[] = [];
  const add = (label: string, value: string | null | undefined): void => {
    if (value) found.push({ label, value });
  };
  const amount = (part: { done: number; all: number } | null | undefined, shown: (value: number) => string): string | null =>
    part && part.all > 0 ? words.__("%1 of %2", shown(part.done), shown(part.all)) : null;
  const restoring = status.state === "restoring";
  add(words.__("Step"), status.phase && status.state !== "none" ? phaseText(status.phase, words) : null);
  add(words.__("Packages"), amount(status.packages, count));
  add(words.__("Downloaded"), amount(status.bytes, size));
  if (restoring) {
    add(words.__("Speed"), status.rate ? words.__("%1 a second", size(status.rate)) : null);
    add(words.__("Time left"), status.seconds_left ? words.__("about %1", roughly(status.seconds_left, words)) : null);
  }
  if (status.started && status.finished) add(words.__("Took"), roughly(status.finished - status.started, words));
  const { rapids, cpu } = status.kernels ?? {};
  if (status.state !== "none") {
    const yes = words.__("registered");
    const no = restoring ? words.__("not there yet") : words.__("not there");
    if (status.kernels) {
      add(words.__("RAPIDS kernel"), rapids ? yes : no);
      add(words.__("CPU kernel"), cpu ? yes : no);
    }
  }
  add(words.__("GPU"), status.gpu);
  add(words.__("NVIDIA driver"), status.driver);
  add(words.__("Instance type"), status.instance_type);
  return found;
}

/** Why it stands as it stands, and what can be done: for whoever asks. */
export function why(status: KernelStatus, words: Words): string[] {
  const said: Record<KernelState, () => string[]> = {
    none: () => [
      words.__("No restore has ever run here, so there is no RAPIDS kernel to look after."),
      words.__("On a SageMaker notebook instance the lifecycle configuration of segwidgets starts it; elsewhere the panel works on the CPU."),
    ],
    unreadable: () => [words.__("The file in which the restore says how it stands cannot be read."), status.reason ?? ""],
    restoring: () => [
      words.__("Whatever is not on the volume is lost when a notebook instance stops, so its RAPIDS kernel is rebuilt at each start, from a lock that names every package."),
      status.warm === true
        ? words.__("The packages are on the volume already: this takes a minute or so.")
        : words.__("The packages are downloaded the first time; later starts find them on the volume."),
      words.__("You can work on the CPU kernel as soon as it is registered."),
    ],
    ready: () => [words.__("The RAPIDS kernel of the current lock is installed, has been tested and is registered.")],
    degraded: () => [
      status.reason ?? "",
      status.kernels?.rapids
        ? words.__("The last RAPIDS kernel that worked is still there and can be used.")
        : words.__("The CPU kernel works; the RAPIDS kernel does not."),
      words.__("“Retry” starts the restore again; what was downloaded is kept."),
    ],
    failed: () => [
      status.reason ?? "",
      words.__("“Retry” starts the restore again; what was downloaded is kept. The end of the log says where it stopped."),
    ],
  };
  return said[status.state]().filter((line) => line !== "");
}

/** Whether a restore can be asked for again. */
export function canRetry(status: KernelStatus): boolean {
  return status.state === "failed" || status.state === "degraded" || status.state === "unreadable";
}

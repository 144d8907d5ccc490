import { bytesOf } from "../shared/binary";
import { type Model, onChange, onMessage } from "../shared/model";
import { type About, type AboutArrays, ARRAY_NAMES, type ArrayName, type CloudTraits } from "./traits";

/**
 * The arrays of a cloud, wherever they come from.
 *
 * Small ones are traits and are saved with a notebook. Large ones come as messages with binary parts, before the trait
 * `arrays` that says which of them make up the picture; what is not there then, because the page was loaded again, is
 * asked for. A picture changes only once all of its arrays are there.
 */
export class Arrays {
  about: AboutArrays = {};
  private readonly held = new Map<ArrayName, Uint8Array>();
  private readonly received = new Map<ArrayName, { version: number; bytes: Uint8Array }>();
  private readonly asked = new Map<ArrayName, number>();
  private readonly endings: (() => void)[];
  private waiting = false;

  /** @param changed is told which arrays came, changed or went; with none of them, that some are waited for. */
  constructor(
    private readonly model: Model<CloudTraits>,
    private readonly changed: (names: ReadonlySet<ArrayName>) => void,
  ) {
    this.endings = [
      onChange(model, ["arrays", ...ARRAY_NAMES], () => {
        const names = this.resolve();
        if (names.size > 0 || this.waiting) this.changed(names);
      }),
      onMessage(model, (content, buffers) => this.receive(content, buffers)),
    ];
    this.resolve();
  }

  /** Points that the kernel has and that are not here yet. */
  get expected(): number {
    return this.waiting ? (this.model.get("arrays").points?.count ?? 0) : 0;
  }

  bytes(name: ArrayName): Uint8Array | null {
    return this.held.get(name) ?? null;
  }

  dispose(): void {
    for (const end of this.endings) end();
  }

  /** Takes over what `arrays` says, if all of it is there. */
  private resolve(): ReadonlySet<ArrayName> {
    const wanted = this.model.get("arrays") ?? {};
    const missing = ARRAY_NAMES.filter((name) => {
      const about = wanted[name];
      return about && !about.kept && !this.same(name, about) && this.received.get(name)?.version !== about.version;
    });
    this.waiting = missing.length > 0;
    this.ask(missing, wanted);
    const changes = new Set<ArrayName>();
    if (this.waiting) return changes;
    for (const name of ARRAY_NAMES) {
      const about = wanted[name];
      if (!about) {
        if (this.held.delete(name)) changes.add(name);
      } else if (!this.same(name, about)) {
        this.held.set(name, about.kept ? bytesOf(this.model.get(name)) : this.received.get(name)!.bytes);
        this.received.delete(name);
        changes.add(name);
      }
    }
    this.about = wanted;
    return changes;
  }

  private same(name: ArrayName, about: About): boolean {
    return this.held.has(name) && this.about[name]?.version === about.version;
  }

  private ask(names: readonly ArrayName[], wanted: AboutArrays): void {
    const fresh = names.filter((name) => this.asked.get(name) !== wanted[name]!.version);
    if (fresh.length === 0) return;
    for (const name of fresh) this.asked.set(name, wanted[name]!.version);
    this.model.send?.({ type: "ask", names: fresh });
  }

  private receive(content: Record<string, unknown>, buffers: readonly DataView[]): void {
    if (content["type"] !== "arrays") return;
    const versions = content["versions"] as readonly [ArrayName, number][];
    versions.forEach(([name, version], at) => {
      this.received.set(name, { version, bytes: bytesOf(buffers[at]) });
    });
    if (this.waiting) this.changed(this.resolve());
  }
}

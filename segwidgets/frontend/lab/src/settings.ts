import type { ISettingRegistry } from "@jupyterlab/settingregistry";

/** A plugin's settings by name, its own defaults where JupyterLab has no setting registry or does not know the schema. */
export class Settings<T extends object> {
  private loaded: ISettingRegistry.ISettings | null = null;

  constructor(private readonly defaults: T) {}

  /** Reads them and calls `changed` now and at every change. */
  async load(registry: ISettingRegistry | null, plugin: string, changed: () => void): Promise<void> {
    if (registry) {
      try {
        this.loaded = await registry.load(plugin);
        this.loaded.changed.connect(changed);
      } catch (error) {
        console.warn(`The settings of ${plugin} could not be read; its defaults are used.`, error);
      }
    }
    changed();
  }

  get<K extends keyof T & string>(name: K): T[K] {
    const value = this.loaded?.composite[name];
    return value === undefined || value === null ? this.defaults[name] : (value as T[K]);
  }
}

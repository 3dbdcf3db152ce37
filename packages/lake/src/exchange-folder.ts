import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { HeldFiles } from "./data-files.ts";
import type { ObjectStore } from "./object-store.ts";

/** A folder for files on their way between this process and a Spark server, which both see. */
export class ExchangeFolder {
  /** As the server sees it. */
  readonly uri: string;
  readonly #store: ObjectStore;
  /** Below the store's root, with a slash at its end. Only in a bucket. */
  readonly #prefix: string;

  constructor(store: ObjectStore, scratch: string) {
    const name = `spark-${randomUUID()}`;
    this.#store = store;
    this.#prefix = `.tmp/${name}/`;
    // On a file system it lies in scratch, which is cleaned up also after a crash.
    this.uri = store.local ? join(scratch, name) : `${store.root}/.tmp/${name}`;
  }

  /** Moves a file of this machine into the folder. @returns its path as the server sees it */
  async put(path: string, name: string): Promise<string> {
    if (this.#store.local) {
      await mkdir(this.uri, { recursive: true });
      await rename(path, join(this.uri, name));
    } else {
      await this.#store.take(path, this.#prefix + name);
    }
    return `${this.uri}/${name}`;
  }

  /** The folder's files of a kind as files of this machine, sorted by name. */
  async files(held: HeldFiles, ending: string): Promise<string[]> {
    if (this.#store.local) {
      const names = await readdir(this.uri, { recursive: true }).catch(() => []);
      return names
        .filter((name) => name.endsWith(ending))
        .sort()
        .map((name) => join(this.uri, name));
    }
    const objects = (await this.#store.list(this.#prefix)).filter(({ key }) => key.endsWith(ending));
    await held.hold(objects);
    return objects.map(({ key }) => held.path(key));
  }

  async remove(): Promise<void> {
    if (this.#store.local) await rm(this.uri, { recursive: true, force: true });
    else await this.#store.remove(await this.#store.keys(this.#prefix));
  }
}

import { randomUUID } from "node:crypto";
import { link, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { LakeError } from "./errors.ts";
import type { ObjectStore } from "./object-store.ts";

/** How many objects are fetched at once. */
const AT_ONCE = 8;

/** The objects that a piece of work reads, as files of this machine, until it is done. */
export interface HeldFiles {
  /** Makes sure that objects can be read; `path` then knows them. @throws LakeError TABLE_UNREADABLE when one is missing */
  hold(objects: readonly { readonly key: string; readonly size?: number }[]): Promise<void>;
  /** The file of an object that is held. */
  path(key: string): string;
}

interface Copy {
  readonly path: string;
  readonly ready: Promise<number>;
  holders: number;
}

/**
 * The objects of a store as files that an engine can read. Those of a bucket are copied once and kept while there is
 * room: objects of a table never change.
 */
export class DataFiles {
  readonly store: ObjectStore;
  readonly #folder: string;
  readonly #limit: number;
  /** In the order of their last use. */
  readonly #copies = new Map<string, Copy>();
  #bytes = 0;

  /** @param limit bytes of copies that are kept when nothing reads them */
  constructor(store: ObjectStore, folder: string, limit: number) {
    this.store = store;
    this.#folder = folder;
    this.#limit = limit;
  }

  async use<T>(work: (held: HeldFiles) => Promise<T>): Promise<T> {
    if (this.store.local) return await work({ hold: async () => {}, path: (key) => this.store.localPath(key) });
    const mine = new Map<string, Copy>();
    try {
      return await work({
        hold: (objects) => this.#hold(objects, mine),
        path: (key) => {
          const copy = mine.get(key);
          if (!copy) throw new Error(`The object ${key} was not held.`);
          return copy.path;
        },
      });
    } finally {
      for (const copy of mine.values()) copy.holders--;
      await this.#shrink();
    }
  }

  /** Moves a new file into the store, and keeps a copy for reading where the store is elsewhere. */
  async take(path: string, key: string): Promise<void> {
    if (this.store.local) return await this.store.take(path, key);
    await mkdir(this.#folder, { recursive: true });
    const kept = join(this.#folder, randomUUID());
    await link(path, kept);
    await this.store.take(path, key);
    const { size } = await stat(kept);
    this.#bytes += size;
    this.#copies.set(key, { path: kept, ready: Promise.resolve(size), holders: 0 });
    await this.#shrink();
  }

  async #hold(objects: readonly { readonly key: string; readonly size?: number }[], mine: Map<string, Copy>) {
    const waiting = objects.filter(({ key }) => !mine.has(key));
    const fetchNext = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        if (mine.has(next.key)) continue;
        const copy = this.#copies.get(next.key) ?? this.#fetch(next.key, next.size);
        copy.holders++;
        mine.set(next.key, copy);
        this.#copies.delete(next.key);
        this.#copies.set(next.key, copy);
        await copy.ready;
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, fetchNext));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #fetch(key: string, size: number | undefined): Copy {
    const path = join(this.#folder, randomUUID());
    const fetched = async () => {
      await mkdir(this.#folder, { recursive: true });
      const draft = `${path}.part`;
      if (!(await this.store.copyTo(key, draft))) {
        throw new LakeError("TABLE_UNREADABLE", `${this.store.root}/${key} is missing; its table needs it.`);
      }
      const info = await stat(draft);
      if (size !== undefined && info.size !== size) {
        await rm(draft, { force: true });
        throw new LakeError(
          "TABLE_UNREADABLE",
          `${this.store.root}/${key} has ${info.size} bytes, its table's log says ${size}.`,
        );
      }
      await rename(draft, path);
      this.#bytes += info.size;
      return info.size;
    };
    const ready = fetched();
    const copy: Copy = { path, ready, holders: 0 };
    // Whoever waits is told; the next one tries again.
    ready.catch(() => this.#copies.delete(key));
    this.#copies.set(key, copy);
    return copy;
  }

  async #shrink(): Promise<void> {
    for (const [key, copy] of this.#copies) {
      if (this.#bytes <= this.#limit) return;
      if (copy.holders > 0) continue;
      this.#copies.delete(key);
      this.#bytes -= await copy.ready.catch(() => 0);
      await rm(copy.path, { force: true });
    }
  }
}

import { type FSWatcher, watch } from "node:fs";

/** Watches folders, each by itself: not what is below them. */
export interface FolderWatch {
  /** Watches these and no others. Returns whether one of them is new: what happened in it before is not told. */
  follow(folders: readonly string[]): boolean;
  close(): void;
}

/**
 * Calls back whenever something in one of the folders changes, is added or removed. Node's recursive watching is not
 * used: on Linux it loses files of folders that are new.
 */
export function watchFolders(onChange: () => void): FolderWatch {
  const watchers = new Map<string, FSWatcher>();
  const leave = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  return {
    follow(folders) {
      const wanted = new Set(folders);
      for (const folder of watchers.keys()) if (!wanted.has(folder)) leave(folder);
      let isNew = false;
      for (const folder of wanted) {
        if (watchers.has(folder)) continue;
        try {
          const watcher = watch(folder, { persistent: false }, onChange);
          watcher.on("error", () => {
            leave(folder);
            onChange();
          });
          watchers.set(folder, watcher);
          isNew = true;
        } catch {
          // It is not there (yet): the folder above tells when it comes.
        }
      }
      return isNew;
    },
    close() {
      for (const folder of [...watchers.keys()]) leave(folder);
    },
  };
}

/** An object and what a listing says of it. */
export interface StoredObject {
  /** Relative to the store's root, parts separated by `/`. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** Where the bytes of a lake lie: a folder, or a prefix of a bucket. Keys are relative to its root. */
export interface ObjectStore {
  /** The folder, or `s3://bucket/prefix`; without a slash at its end. */
  readonly root: string;
  /** Whether objects are files of this machine: then `localPath` says where. */
  readonly local: boolean;
  /** The file of a key on this machine. Only where `local`. */
  localPath(key: string): string;
  /** Names of the folders right below the root. */
  folders(): Promise<string[]>;
  /** Keys below a prefix that ends with a slash, sorted by their bytes; only those after the key `after`. */
  keys(prefix: string, after?: string): Promise<string[]>;
  /** All objects below a prefix that ends with a slash, sorted by key. */
  list(prefix: string): Promise<StoredObject[]>;
  /** @returns undefined when there is no such object */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Writes an object, or replaces it whole. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes an object unless there is one of that key. A reader sees it whole or not at all, also after a crash.
   * `bytes` must be like no other writer's (hold a random id): by them a writer knows its own object again when the
   * answer to its first try was lost.
   * @returns false when another writer was first. When it throws, the object may or may not be there, or come later.
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Moves a file of this machine to a key; durable when it returns. */
  take(path: string, key: string): Promise<void>;
  /** Copies an object to a new file of this machine. @returns false when there is no such object */
  copyTo(key: string, path: string): Promise<boolean>;
  /** Removes objects; those that are not there are no error. */
  remove(keys: readonly string[]): Promise<void>;
  close(): void;
}

/** How to reach S3. What is left out comes from the standard places: `AWS_*` variables, profiles, the instance's role. */
export interface S3Options {
  /** Another S3 than Amazon's: `http://127.0.0.1:9000`. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. @default true with an endpoint, else false */
  readonly pathStyle?: boolean | undefined;
  readonly credentials?:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
}

/** Whether two objects have the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

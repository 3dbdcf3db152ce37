import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { LakeError } from "./errors.ts";
import { type ObjectStore, type S3Options, type StoredObject, sameBytes } from "./object-store.ts";

/** Files beyond this many bytes are uploaded in parts of this size, four at once. */
const PART = 16 << 20;
/** How often a request is sent before its failure is told; the SDK waits longer each time. */
const ATTEMPTS = 5;

/** A prefix of a bucket, behind S3's API. */
export class S3Store implements ObjectStore {
  readonly root: string;
  readonly local = false;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** @param root `s3://bucket` or `s3://bucket/prefix` */
  constructor(root: string, o: S3Options) {
    const { bucket, prefix } = parseS3(root);
    this.#bucket = bucket;
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
    this.root = prefix === "" ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.#client = new S3Client({
      ...(o.endpoint === undefined ? {} : { endpoint: o.endpoint }),
      ...(o.region === undefined ? {} : { region: o.region }),
      ...(o.credentials === undefined ? {} : { credentials: o.credentials }),
      forcePathStyle: o.pathStyle ?? o.endpoint !== undefined,
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
    });
  }

  localPath(key: string): string {
    throw new LakeError("STORE_LOCATION", `${this.root}/${key} is no file of this machine.`);
  }

  async folders(): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.#pages({ Prefix: this.#prefix, Delimiter: "/" })) {
      for (const { Prefix } of page.CommonPrefixes ?? [])
        if (Prefix !== undefined) names.push(Prefix.slice(this.#prefix.length, -1));
    }
    return names.sort();
  }

  async keys(prefix: string, after?: string): Promise<string[]> {
    return (await this.#list(prefix, after)).map((o) => o.key);
  }

  list(prefix: string): Promise<StoredObject[]> {
    return this.#list(prefix);
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    return await this.#ask(key, async () => {
      try {
        const { Body } = await this.#client.send(new GetObjectCommand(this.#object(key)));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (isNoSuchKey(error)) return undefined;
        throw error;
      }
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#ask(key, () => this.#client.send(new PutObjectCommand({ ...this.#object(key), Body: bytes })));
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const command = { ...this.#object(key), Body: bytes, IfNoneMatch: "*" };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.send(new PutObjectCommand(command));
        return true;
      } catch (error) {
        // 412: one is there; 409: others are putting one. Both also after an own try whose answer was lost, as is
        // every failure of the way.
        const present = await this.read(key).catch(() => undefined);
        if (present) return sameBytes(present, bytes);
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        if ((status !== 409 && status !== 412) || attempt === ATTEMPTS) throw this.#explained(error, key);
        await sleep(50 * 2 ** attempt * Math.random());
      }
    }
  }

  async take(path: string, key: string): Promise<void> {
    await this.#ask(key, async () => {
      const { size } = await stat(path);
      if (size <= PART) {
        // As bytes, so that a failed request can be sent again.
        await this.#client.send(new PutObjectCommand({ ...this.#object(key), Body: await readFile(path) }));
      } else {
        // Ten thousand parts are the most that S3 takes.
        const partSize = Math.max(PART, Math.ceil(size / 10_000));
        const params = { ...this.#object(key), Body: createReadStream(path, { highWaterMark: 1 << 20 }) };
        await new Upload({ client: this.#client, params, partSize, queueSize: 4 }).done();
      }
    });
    await rm(path, { force: true });
  }

  async copyTo(key: string, path: string): Promise<boolean> {
    return await this.#ask(key, async () => {
      // The body's stream may break after the SDK's own tries: then the whole of it is read again.
      for (let attempt = 1; ; attempt++) {
        try {
          const { Body, ContentLength } = await this.#client.send(new GetObjectCommand(this.#object(key)));
          if (!(Body instanceof Readable)) throw new Error("S3 gave an answer without a body.");
          await pipeline(Body, createWriteStream(path));
          const { size } = await stat(path);
          if (ContentLength === undefined || size === ContentLength) return true;
          throw new Error(`The connection ended after ${size} of ${ContentLength} bytes.`);
        } catch (error) {
          await rm(path, { force: true });
          if (isNoSuchKey(error)) return false;
          if (error instanceof S3ServiceException || attempt === ATTEMPTS) throw error;
          await sleep(50 * 2 ** attempt * Math.random());
        }
      }
    });
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (let i = 0; i < keys.length; i += 1000) {
      const Objects = keys.slice(i, i + 1000).map((key) => ({ Key: this.#prefix + key }));
      const Delete = { Objects, Quiet: true };
      await this.#ask(keys[i]!, async () => {
        const { Errors } = await this.#client.send(new DeleteObjectsCommand({ Bucket: this.#bucket, Delete }));
        const [first] = Errors ?? [];
        if (first) throw new Error(`${first.Key} cannot be removed: ${first.Code} ${first.Message}`);
      });
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #object(key: string) {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #list(prefix: string, after?: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    const start = after === undefined ? {} : { StartAfter: this.#prefix + after };
    for await (const page of this.#pages({ Prefix: this.#prefix + prefix, ...start })) {
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        // Some tools put an empty object in place of a folder.
        if (Key === undefined || Key.endsWith("/")) continue;
        const key = Key.slice(this.#prefix.length);
        found.push({ key, size: Size ?? 0, modified: LastModified?.getTime() ?? 0 });
      }
    }
    return found;
  }

  async *#pages(query: { Prefix: string; Delimiter?: string; StartAfter?: string }) {
    let ContinuationToken: string | undefined;
    do {
      const input = { Bucket: this.#bucket, ...query, ...(ContinuationToken ? { ContinuationToken } : {}) };
      const page: ListObjectsV2CommandOutput = await this.#ask(query.Prefix, () =>
        this.#client.send(new ListObjectsV2Command(input)),
      );
      yield page;
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  async #ask<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#explained(error, key);
    }
  }

  /** What the SDK threw, as an error of the lake. */
  #explained(error: unknown, key: string): LakeError {
    if (error instanceof LakeError) return error;
    const cause = error;
    const name = error instanceof Error ? error.name : "Error";
    const where = `s3://${this.#bucket}/${this.#prefix}${key}`;
    const why = error instanceof Error && error.message ? error.message : name;
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (name === "NoSuchBucket") {
      return new LakeError("STORE_LOCATION", `There is no bucket ${this.#bucket}.`, {
        hint: "Make the bucket first; a lake makes none.",
        cause,
      });
    }
    if (status === 401 || status === 403 || /^(CredentialsProviderError|TokenProviderError)$/.test(name)) {
      return new LakeError("STORE_DENIED", `S3 does not let us at ${where}: ${name}, ${why}`, {
        hint: "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and what they may do there.",
        cause,
      });
    }
    return new LakeError("STORE_UNAVAILABLE", `S3 failed at ${where}: ${name}, ${why}`, {
      hint: "Check AWS_ENDPOINT_URL and AWS_REGION, and that the service is there.",
      retryable: status === undefined || status >= 500 || status === 429,
      cause,
    });
  }
}

function isNoSuchKey(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === "NoSuchKey" || error.name === "NotFound");
}

/** @throws LakeError STORE_LOCATION */
export function parseS3(uri: string): { readonly bucket: string; readonly prefix: string } {
  const parts = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(uri);
  const prefix = (parts?.[2] ?? "").replace(/\/+$/, "");
  if (!parts || prefix.split("/").some((part) => part === "." || part === ".." || (part === "" && prefix !== ""))) {
    throw new LakeError("STORE_LOCATION", `${JSON.stringify(uri)} is no place in S3: s3://bucket/prefix was expected.`);
  }
  return { bucket: parts[1]!, prefix };
}

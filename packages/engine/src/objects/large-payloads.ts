import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Payload, PayloadCodec } from "@temporalio/common";
import { z } from "zod";
import { keep, type ObjectStore } from "./object-store.ts";

/** Payloads beyond this are packed, in bytes: Temporal refuses 2 MiB, and carries each several times. */
const LARGEST_PLAIN = 262_144;

/** Beyond this packing costs more than it saves, in bytes. */
const LARGEST_PACKED = 16_777_216;

const ENCODING = "encoding";
const PACKED = "dagwright/gzip";
const STORED = "dagwright/stored";
const Wrapped = z.object({ sha256: z.string(), bytes: z.number(), encoding: z.string() });

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/**
 * Makes payloads fit for Temporal: a large one is packed (gzip), and one that is too large even so is kept in the object
 * store, with a reference in its place. Small ones stay as they are, readable in the Temporal UI and CLI.
 */
export function largePayloads(objects: Pick<ObjectStore, "put" | "get">): PayloadCodec {
  return {
    encode: async (payloads) => await Promise.all(payloads.map((payload) => encoded(objects, payload))),
    decode: async (payloads) => await Promise.all(payloads.map((payload) => decoded(objects, payload))),
  };
}

async function encoded(objects: Pick<ObjectStore, "put">, payload: Payload): Promise<Payload> {
  const { data, metadata } = payload;
  if (!data || data.length <= LARGEST_PLAIN) return payload;
  const inner = text(metadata?.[ENCODING]);
  if (data.length <= LARGEST_PACKED) {
    const packed = await pack(data, { level: 1 });
    if (packed.length <= LARGEST_PLAIN)
      return { metadata: { ...metadata, [ENCODING]: bytes(`${PACKED};${inner}`) }, data: packed };
  }
  const sha256 = await keep(objects, data);
  const wrapped = bytes(JSON.stringify({ sha256, bytes: data.length, encoding: inner }));
  return { metadata: { ...metadata, [ENCODING]: bytes(STORED) }, data: wrapped };
}

async function decoded(objects: Pick<ObjectStore, "get">, payload: Payload): Promise<Payload> {
  const { data, metadata } = payload;
  const encoding = text(metadata?.[ENCODING]);
  if (encoding.startsWith(`${PACKED};`)) {
    const inner = bytes(encoding.slice(PACKED.length + 1));
    return { metadata: { ...metadata, [ENCODING]: inner }, data: await unpack(data ?? new Uint8Array()) };
  }
  if (encoding !== STORED) return payload;
  const { sha256, encoding: inner } = Wrapped.parse(JSON.parse(text(data)));
  return { metadata: { ...metadata, [ENCODING]: bytes(inner) }, data: await objects.get(sha256) };
}

function text(raw: Uint8Array | null | undefined): string {
  return Buffer.from(raw ?? []).toString("utf8");
}

function bytes(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}

import type { Client, Connection } from "@temporalio/client";
import type { RunStore } from "../store/run-store.ts";

/** What every call to the engine stands on. */
export interface ClientGround {
  readonly temporal: Client;
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly store: RunStore | null;
}

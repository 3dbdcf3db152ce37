import { AsyncLocalStorage } from "node:async_hooks";
import type { Redactor } from "../execution/redactor.ts";
import type { TaskLog } from "../language/context.ts";
import { messageOf, redirectConsole } from "../logs/process-log.ts";

const attempts = new AsyncLocalStorage<TaskLog>();
let redirected = false;

/** What `work` tells `console`, however deep and however late, goes to its attempt's log. */
export async function withTaskConsole<T>(log: TaskLog, work: () => Promise<T>): Promise<T> {
  if (!redirected) {
    redirected = true;
    redirectConsole((level, args) => {
      const own = attempts.getStore();
      own?.[level](...messageOf(args));
      return own !== undefined;
    });
  }
  return await attempts.run(log, work);
}

/** Takes secrets out of what this process writes to stdout and stderr by whatever way. For a process that is a worker. */
export function guardOutput(redactor: Redactor): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    const guarded = (chunk: string | Uint8Array, ...rest: unknown[]): boolean =>
      Reflect.apply(write, stream, [
        redactor.text(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8")),
        ...rest,
      ]);
    stream.write = guarded;
  }
}

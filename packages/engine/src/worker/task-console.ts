import { AsyncLocalStorage } from "node:async_hooks";
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

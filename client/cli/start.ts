/** `npm start`: everything that is missing is started, the daily pipeline runs on the real data, and we say what came of it. */
import { parseArgs } from "node:util";
import pc from "picocolors";
import { EXIT, showError } from "./output.ts";
import { watch } from "./run.ts";
import { settingsOf, withEngine } from "./session.ts";
import { printSummary } from "./summary.ts";
import { bringUp, untilAskedToStop } from "./up.ts";

const DAG = "daily_ml_pipeline";
const LOGICAL_DATE = "1998-01-31";

async function start(): Promise<number> {
  const { values } = parseArgs({ options: { exit: { type: "boolean", default: false } } });
  const stay = !values.exit && process.stdout.isTTY === true;
  const stopped = untilAskedToStop();
  const note = (line: string) => process.stderr.write(`${pc.dim(line)}\n`);
  const begun = Date.now();
  const stack = await bringUp([], note);
  try {
    const view = await withEngine(settingsOf(), async (engine) => {
      const { runId, outcome } = await engine.startRun({ dagId: DAG, logicalDate: LOGICAL_DATE });
      if (outcome === "already_done") note(`${runId} is already done: nothing runs again; this is what it gave.`);
      else note(`${outcome === "started" ? "Started" : "Taking up"} ${runId}`);
      return await Promise.race([watch(engine, runId, note), stopped.then(() => null)]);
    });
    if (view === null) return EXIT.failed;
    await printSummary(view, stack, (Date.now() - begun) / 1000);
    if (stay) {
      process.stdout.write(
        `\nEverything stays up until Ctrl-C. Try, in another terminal:\n  npx dagwright run ${DAG} --logical-date 1998-02-01 --wait\n`,
      );
      await stopped;
    }
    return view.state === "success" ? EXIT.ok : EXIT.failed;
  } finally {
    note("Stopping what was started …");
    await stack.close();
  }
}

try {
  process.exitCode = await start();
} catch (error) {
  process.exitCode = showError(error, false);
}
process.stdout.write("", () => process.exit());

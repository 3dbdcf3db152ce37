import { userInfo } from "node:os";
import type { RunState } from "@dagwright/engine";
import type { Command } from "commander";
import { show, table } from "./output.ts";
import { settingsOf, withEngine } from "./session.ts";

/** An approval that waits for an answer. */
interface OpenApproval {
  readonly runId: string;
  readonly task: string;
  readonly asks: unknown;
  readonly since: string | null;
}

export function addApprovals(program: Command): void {
  const approvals = program.command("approvals").description("what waits for a person's answer");
  approvals
    .command("list")
    .description("every approval that waits, with what it shows")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright approvals list\n")
    .action(async (options: { json: boolean }) => {
      show(await openApprovals(), options.json, (rows) =>
        rows.length === 0
          ? "Nothing waits for an approval"
          : table(
              ["RUN", "TASK", "SINCE", "SHOWS"],
              rows.map((row) => [row.runId, row.task, row.since ?? "", JSON.stringify(row.asks)]),
            ),
      );
    });
  for (const verb of ["approve", "reject"] as const) {
    approvals
      .command(`${verb} <run> <task>`)
      .description(
        verb === "approve" ? "let the run go on" : "fail the task: what comes after it follows by its trigger rule",
      )
      .option("--comment <text>", "a remark, kept with the run")
      .option("--by <name>", "who answers", userInfo().username)
      .option("--json", "print JSON", false)
      .addHelpText(
        "after",
        `\nExample:\n  $ dagwright approvals ${verb} release/2026-11-24T00:00:00Z go_live --comment "${verb === "approve" ? "looks good" : "recall has dropped"}"\n`,
      )
      .action(async (runId: string, task: string, options: { comment?: string; by: string; json: boolean }) => {
        const { by, comment } = options;
        const answer = { task, approved: verb === "approve", by, ...(comment === undefined ? {} : { comment }) };
        await withEngine(settingsOf(), (engine) => engine.answerApproval(runId, answer));
        show(
          { runId, ...answer },
          options.json,
          () => `${runId} ${task}: ${verb === "approve" ? "approved" : "rejected"} by ${by}`,
        );
      });
  }
}

/** How many runs that go on are looked at, at most: all that `listRuns` looks at. */
const MOST_RUNS = 2_000;

/** How many runs are asked at once what they wait for. */
const AT_ONCE = 20;

async function openApprovals(): Promise<OpenApproval[]> {
  return await withEngine(settingsOf(), async (engine) => {
    const of = (state: RunState) => engine.listRuns({ state, limit: MOST_RUNS });
    const runs = (await Promise.all([of("running"), of("paused")])).flat();
    const open: OpenApproval[] = [];
    while (runs.length > 0) {
      const views = await Promise.all(runs.splice(0, AT_ONCE).map(({ runId }) => engine.getRun(runId)));
      for (const { runId, tasks } of views) {
        for (const [task, { asks, startedAt }] of Object.entries(tasks))
          if (asks !== undefined) open.push({ runId, task, asks, since: startedAt });
      }
    }
    return open;
  });
}

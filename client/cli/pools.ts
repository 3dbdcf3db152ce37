import type { PoolPlace, PoolView } from "@dagwright/engine/client";
import type { Command } from "commander";
import { show, table, UsageError } from "./output.ts";
import { settingsOf, withEngine } from "./session.ts";

export function addPools(program: Command): void {
  const pools = program.command("pools").description("what limits how many tasks and runs go on at once");
  pools
    .command("list")
    .description("every pool: how many slots it has, how many are free, how many wait")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright pools list\n")
    .action(async (options: { json: boolean }) => {
      const all = await withEngine(settingsOf(), (engine) => engine.listPools());
      show(all, options.json, (rows) =>
        rows.length === 0
          ? "There is no pool (dagwright pools set NAME SLOTS)"
          : table(
              ["POOL", "SLOTS", "FREE", "WAITING", "DESCRIPTION"],
              rows.map((row) => [
                row.name,
                `${row.slots}${row.isSet ? "" : " (unset)"}`,
                String(row.free),
                String(row.waiters),
                row.description ?? "",
              ]),
            ),
      );
    });
  pools
    .command("show <name>")
    .description("a pool, with who holds its slots and who waits for them")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright pools show gpu\n")
    .action(async (name: string, options: { json: boolean }) => {
      show(await withEngine(settingsOf(), (engine) => engine.getPool(name)), options.json, poolText);
    });
  pools
    .command("set")
    .description("say how many slots a pool has; it is made if there is none, and takes nothing from who holds slots")
    .argument("<name>", "letters, digits, _, - and .")
    .argument("<slots>", "a whole number, at least 1")
    .option("--description <text>", "what it stands for")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      '\nExample:\n  $ dagwright pools set gpu 2 --description "the two cards of the big machine"\n',
    )
    .action(async (name: string, written: string, options: { description?: string; json: boolean }) => {
      const { description } = options;
      const slots = slotsOf(name, written);
      const setting = { slots, ...(description === undefined ? {} : { description }) };
      await withEngine(settingsOf(), (engine) => engine.setPool(name, setting));
      show({ name, ...setting }, options.json, () => `Pool ${name} has ${slots} ${slots === 1 ? "slot" : "slots"}`);
    });
}

/** A pool in words: who holds its slots, and who waits for them. */
export function poolText({ name, slots, isSet, free, description, holders, waiting, waiters }: PoolView): string {
  const held = holders.reduce((sum, holder) => sum + holder.slots, 0);
  const over = held > slots ? `, ${held} held: it gives none out until fewer than ${slots} are` : "";
  const head = `${name}: ${free} of ${slots} slots free${over}${isSet ? "" : " (nobody has set it)"}${description ? `, ${description}` : ""}`;
  const more = waiters > waiting.length ? `\nand ${waiters - waiting.length} more` : "";
  return [
    head,
    ...(holders.length === 0 ? [] : [`\nHeld by\n${placesText(holders)}`]),
    ...(waiting.length === 0 ? [] : [`\nWaiting, in this order\n${placesText(waiting)}${more}`]),
  ].join("\n");
}

function placesText(places: readonly PoolPlace[]): string {
  return table(
    ["RUN", "TASK", "SLOTS", "PRIORITY", "SINCE"],
    places.map(({ runId, task, slots, priority, since }) => [
      runId,
      task ?? "",
      String(slots),
      String(priority),
      since,
    ]),
  );
}

function slotsOf(pool: string, written: string): number {
  const slots = Number(written);
  if (/^\d+$/.test(written) && slots >= 1) return slots;
  const hint = slots === 0 ? "Pause the runs instead: dagwright runs pause --dag DAG." : undefined;
  throw new UsageError(`slots of pool "${pool}" is "${written}": expected a whole number of at least 1`, hint);
}

import type { Command } from "commander";
import { z } from "zod";
import { featureStore } from "../../mcp-servers/feature-store/contract.ts";
import { parseJson, show, table, UsageError } from "./output.ts";
import { askWorker } from "./worker.ts";

const { list_feature_views, materialize_features, get_online_features } = featureStore.tools;
type Listed = z.output<typeof list_feature_views.output>;

/** What applying would do, or did. */
const Plan = z.object({
  version: z.number(),
  changes: z.array(
    z.object({
      change: z.enum(["add", "remove", "change"]),
      kind: z.string(),
      name: z.string(),
      fields: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
    }),
  ),
  text: z.string(),
});

export function addFeatures(program: Command): void {
  const features = program.command("features").description("feature definitions, and the values that are served");
  const ask = <T>(question: object, answer: z.ZodType<T>) => askWorker("feature-verbs.ts", question, answer);
  features
    .command("plan")
    .description("what applying the definitions in code would change in the registry; changes nothing")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright features plan\n")
    .action(async ({ json }: { json: boolean }) => {
      show(await ask({ verb: "plan" }, Plan), json, ({ text }) => text || "Nothing to change.");
    });
  features
    .command("apply")
    .description("record the definitions in code in the registry, and show what that changed; twice is as once")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright features apply\n")
    .action(async ({ json }: { json: boolean }) => {
      const applied = await ask({ verb: "apply" }, Plan);
      show(applied, json, ({ text }) => (text === "" ? "Nothing to change." : `Applied:\n${text}`));
    });
  features
    .command("list")
    .description("the views and services in code, and up to when views are materialised")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright features list\n")
    .action(async ({ json }: { json: boolean }) => {
      show(await ask({ verb: "list" }, list_feature_views.output), json, (listed) =>
        table(
          ["NAME", "KIND", "OF", "FEATURES", "MATERIALIZED UNTIL"],
          [
            ...listed.views.map((view) => [
              ...[view.name, "view", view.entities.map(({ name }) => name).join(", ")],
              ...[String(view.features.length), view.materializedUntil ?? "never"],
            ]),
            ...listed.onDemandViews.map((view) => [
              ...[view.name, "on-demand view", view.sources.join(", "), String(view.features.length), ""],
            ]),
            ...listed.services.map((one) => [one.name, "service", "", String(one.features.length), ""]),
          ],
        ),
      );
    });
  features
    .command("show <name>")
    .description("a view or service with its features")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright features show customer_features\n")
    .action(async (name: string, { json }: { json: boolean }) => {
      const found = named(await ask({ verb: "list" }, list_feature_views.output), name);
      show(found.one, json, () => found.lines.join("\n"));
    });
  features
    .command("materialize <views...>")
    .description("bring the newest values of views up to a moment into the online store")
    .requiredOption("--until <moment>", "ISO-8601: values with a timestamp up to and with this moment")
    .option("--start <moment>", "ISO-8601: values from this moment on; all when left out")
    .option("--incremental", "begin where the last one of each view ended; instead of --start", false)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ dagwright features materialize customer_features --until 1998-07-01T00:00:00Z --incremental\n",
    )
    .action(
      async (
        views: string[],
        { json, ...window }: { until: string; start?: string; incremental: boolean; json: boolean },
      ) => {
        const done = await ask({ verb: "materialize", input: { views, ...window } }, materialize_features.output);
        show(done, json, (told) =>
          table(
            ["VIEW", "FROM", "CHANGED", "ENTITIES", "NEWEST"],
            told.views.map(({ name, start, rows, entities, newest }) => [
              ...[name, start ?? "the beginning", String(rows), String(entities), newest ?? ""],
            ]),
          ),
        );
      },
    );
  features
    .command("online <features...>")
    .description("read the newest values of entities: view:feature each, or one feature service")
    .requiredOption("--entities <json>", "join keys (and values that on-demand views request), a list of JSON objects")
    .option("--full-feature-names", "name features view__feature", false)
    .option("--past-ttl <how>", "what becomes of a value past its view's ttl: null or serve", "null")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      `\nExample:\n  $ dagwright features online customer_features:total_spent --entities '[{"customer_id":4}]'\n`,
    )
    .action(
      async (
        references: string[],
        options: { entities: string; fullFeatureNames: boolean; pastTtl: string; json: boolean },
      ) => {
        const { fullFeatureNames, pastTtl, json } = options;
        const entityRows = parseJson("--entities", options.entities);
        const [service = "", ...others] = references;
        const wanted = others.length === 0 && !service.includes(":") ? service : references;
        const input = { features: wanted, fullFeatureNames, pastTtl, entityRows };
        show(await ask({ verb: "online", input }, get_online_features.output), json, ({ results }) => {
          const names = Object.keys(results[0]?.values ?? {});
          return table(
            ["ENTITY", ...names],
            results.map(({ entity, values, statuses }) => [
              JSON.stringify(entity),
              ...names.map((name) => {
                const status = statuses[name] === "PRESENT" ? "" : ` (${statuses[name]})`;
                return `${JSON.stringify(values[name])}${status}`;
              }),
            ]),
          );
        });
      },
    );
}

function named({ views, onDemandViews, services }: Listed, name: string) {
  const typed = (features: readonly { name: string; type: string }[]) =>
    features.map((one) => `  ${one.name}: ${one.type}`);
  const view = views.find((one) => one.name === name);
  if (view !== undefined) {
    const { entities, table: from, timestampField, ttlSeconds, features, materializedUntil } = view;
    const lines = [
      `feature view ${name}`,
      `entities: ${entities.map((one) => `${one.name} (${one.joinKey})`).join(", ")}`,
      `table: ${from}, by ${timestampField}`,
      `ttl: ${ttlSeconds === 0 ? "none, values hold for ever" : `${ttlSeconds} s`}`,
      `materialised until: ${materializedUntil ?? "never"}`,
      ...["features:", ...typed(features)],
    ];
    return { one: view, lines };
  }
  const onDemand = onDemandViews.find((one) => one.name === name);
  if (onDemand !== undefined) {
    const { sources, request, features } = onDemand;
    const lines = [
      `on-demand view ${name}`,
      `sources: ${sources.join(", ") || "none"}`,
      ...(request.length === 0 ? [] : ["values of the request:", ...typed(request)]),
      ...["features:", ...typed(features)],
    ];
    return { one: onDemand, lines };
  }
  const service = services.find((one) => one.name === name);
  if (service !== undefined) {
    return { one: service, lines: [`feature service ${name}`, ...service.features.map((one) => `  ${one}`)] };
  }
  const known = [...views, ...onDemandViews, ...services].map((one) => one.name);
  throw new UsageError(`There is no feature view or service "${name}"`, `There are: ${known.join(", ")}`);
}

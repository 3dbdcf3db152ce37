/** What tracking promises, whoever keeps it: the embedded store, our server, PostgreSQL, MLflow's own server. */
import type { Tracking } from "@dagwright/tracking";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

let serial = 0;
/** A name that no other test has: some stores are shared by all of them. */
const fresh = (what: string): string => `${what}_${process.pid}_${Date.now()}_${serial++}`;

/** @param open tracking, each time as another process would */
export function trackingSuite(title: string, open: () => Promise<Tracking>): void {
  describe(title, () => {
    let tracking: Tracking;
    let experiment: string;
    let name: string;
    let runId: string;
    beforeAll(async () => {
      tracking = await open();
    });
    afterAll(async () => {
      await tracking.close();
    });
    beforeEach(() => {
      experiment = fresh("churn");
      name = fresh("m");
    });

    describe("runs", () => {
      it("keep params, the latest metrics with their history, tags, and status", async () => {
        const started = await tracking.startRun({ experiment, tags: { by: "test" } });
        expect(started.runId).toMatch(/^[0-9a-f]{32}$/);
        expect([started.status, started.name]).toEqual(["RUNNING", started.runId.slice(0, 8)]);
        const id = started.runId;
        await tracking.logBatch(id, { params: { trees: 100, depth: "10", weighted: true }, metrics: { f1: 0.8 } });
        await tracking.logBatch(id, { metrics: { f1: 0.9, loss: Number.NaN }, step: 2, tags: { by: "me" } });
        await tracking.logBatch(id, { metrics: { f1: 0.85, loss: Number.POSITIVE_INFINITY, low: -1e-300 }, step: 1 });
        const finished = await tracking.finishRun(id, "FINISHED");
        expect(finished).toEqual(await tracking.getRun(id));
        expect(finished).toMatchObject({
          experiment,
          status: "FINISHED",
          params: { trees: "100", depth: "10", weighted: "true" },
          metrics: { f1: 0.9, loss: Number.NaN, low: -1e-300 },
          endedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        });
        expect(finished.tags["by"]).toBe("me");
        const history = await tracking.metricHistory(id, "f1");
        expect(history.map(({ step, value }) => [step, value])).toEqual([
          [0, 0.8],
          [1, 0.85],
          [2, 0.9],
        ]);
        const loss = (await tracking.metricHistory(id, "loss")).map(({ value }) => value);
        expect(loss).toEqual([Number.POSITIVE_INFINITY, Number.NaN]);
        expect(await tracking.metricHistory(id, "nobody's")).toEqual([]);
      });

      it("keep of one step the value that was logged last", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        for (const f1 of [0.9, 0.7, 0.8]) await tracking.logBatch(id, { metrics: { f1 }, step: 3 });
        expect((await tracking.getRun(id)).metrics).toEqual({ f1: 0.8 });
        expect((await tracking.metricHistory(id, "f1")).map(({ value }) => value)).toEqual([0.9, 0.7, 0.8]);
      });

      it("take the same batch twice as once", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        await tracking.logBatch(id, { metrics: { f1: 0.5 }, step: 7 });
        const batch = { params: { seed: 42 }, metrics: { f1: 0.9, auc: Number.NaN }, tags: { a: "b" } };
        await tracking.logBatch(id, batch);
        const once = await tracking.getRun(id);
        await tracking.logBatch(id, batch);
        expect(await tracking.getRun(id)).toEqual(once);
        expect(await tracking.metricHistory(id, "f1")).toHaveLength(2);
        expect(await tracking.metricHistory(id, "auc")).toHaveLength(1);
      });

      it("take batches of any size", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        const many = (count: number) => Array.from({ length: count }, (_, at) => at);
        await tracking.logBatch(id, {
          params: Object.fromEntries(many(150).map((at) => [`p${at}`, at])),
          tags: Object.fromEntries(many(150).map((at) => [`t${at}`, String(at)])),
          metrics: Object.fromEntries(many(1_200).map((at) => [`m${at}`, at / 2])),
        });
        const run = await tracking.getRun(id);
        expect([Object.keys(run.params).length, Object.keys(run.metrics).length]).toEqual([150, 1_200]);
        expect([run.params["p149"], run.tags["t149"], run.metrics["m1199"]]).toEqual(["149", "149", 599.5]);
      });

      it("refuse another value of a param, and then the whole batch", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        await tracking.logBatch(id, { params: { seed: 42 } });
        await expect(
          tracking.logBatch(id, { params: { depth: 3, seed: 43 }, metrics: { f1: 1 } }),
        ).rejects.toMatchObject({
          code: "PARAM_ALREADY_LOGGED",
          message: `params.seed of run ${id} is "42" already: it cannot become "43".`,
          field: "params.seed",
          retryable: false,
        });
        expect(await tracking.getRun(id)).toMatchObject({ params: { seed: "42" }, metrics: {} });
      });

      it("with the same key are the same run: left by a crash, failed, or finished", async () => {
        const key = fresh("it's a key");
        const first = await tracking.startRun({ experiment, key });
        await tracking.logBatch(first.runId, { params: { seed: 42 } });
        const again = await open();
        const taken = await again.startRun({ experiment, key, name: "other" });
        expect(taken).toMatchObject({ runId: first.runId, status: "RUNNING", params: { seed: "42" }, key });
        await again.finishRun(first.runId, "FAILED");
        const reopened = await again.startRun({ experiment, key });
        expect(reopened.status).toBe("RUNNING");
        expect(reopened).not.toHaveProperty("endedAt");
        const finished = await again.finishRun(first.runId, "FINISHED");
        expect(await tracking.startRun({ experiment, key })).toEqual(finished);
        expect(await tracking.finishRun(first.runId, "FINISHED")).toEqual(finished);
        await again.close();
        expect(await tracking.searchRuns({ experiment })).toHaveLength(1);
      });

      it("of one key that several start at once are one", async () => {
        const key = fresh("k");
        const openings = await Promise.all([open(), open(), open()]);
        const runs = await Promise.all(openings.map((one) => one.startRun({ experiment, key })));
        for (const one of openings) await one.close();
        expect(new Set(runs.map((run) => run.runId)).size).toBe(1);
        expect(await tracking.searchRuns({ experiment })).toHaveLength(1);
      });

      it("are found by experiment, the newest first", async () => {
        const ids = [];
        for (let i = 0; i < 3; i++) ids.push((await tracking.startRun({ experiment })).runId);
        await tracking.startRun({ experiment: fresh("other") });
        const found = await tracking.searchRuns({ experiment, limit: 2 });
        expect(found.map((run) => run.runId)).toEqual([ids[2], ids[1]]);
        expect(await tracking.searchRuns({ experiment: "nobody's" })).toEqual([]);
      });

      it("that do not exist are an error everywhere", async () => {
        const nope = "0123456789abcdef0123456789abcdef";
        const unknown = { code: "RUN_NOT_FOUND", field: "runId", retryable: false };
        await expect(tracking.getRun(nope)).rejects.toMatchObject(unknown);
        await expect(tracking.logBatch(nope, { metrics: { a: 1 } })).rejects.toMatchObject(unknown);
        await expect(tracking.logArtifact(nope, "a", new Uint8Array())).rejects.toMatchObject(unknown);
        await expect(tracking.listArtifacts(nope)).rejects.toMatchObject(unknown);
        await expect(tracking.artifactUri(nope, "a")).rejects.toMatchObject(unknown);
        await expect(tracking.finishRun(nope, "FAILED")).rejects.toMatchObject(unknown);
        await expect(tracking.registerModel({ name, runId: nope })).rejects.toMatchObject(unknown);
        expect(await tracking.listModelVersions(name)).toEqual([]);
      });

      it("refuse what they cannot keep before anything is written", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        for (const batch of [
          { metrics: { "a\nb": 1 }, params: { ok: 1 } },
          { params: { "../x": 1 }, tags: { ok: "1" } },
          { metrics: { f1: 1 }, step: 0.5 },
        ])
          await expect(tracking.logBatch(id, batch)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
        expect(await tracking.getRun(id)).toMatchObject({ params: {}, metrics: {} });
        await expect(tracking.startRun({ experiment: " " })).rejects.toMatchObject({ field: "experiment" });
        await expect(tracking.searchRuns({ experiment, limit: 0 })).rejects.toMatchObject({ field: "limit" });
      });
    });

    describe("artifacts", () => {
      it("are written whole, replaced and listed", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        await tracking.logArtifact(id, "model/model.bin", new Uint8Array([1, 2, 3]));
        await tracking.logArtifact(id, "model/model.bin", new Uint8Array([4, 5]));
        await tracking.logArtifact(id, "a file ä.json", new TextEncoder().encode("{}"));
        const large = new Uint8Array(3_000_000).map((_, at) => (at * 31) % 251);
        await tracking.logArtifact(id, "deep/er/large.bin", large);
        expect(await tracking.readArtifact(id, "model/model.bin")).toEqual(new Uint8Array([4, 5]));
        expect(Buffer.compare(await tracking.readArtifact(id, "deep/er/large.bin"), large)).toBe(0);
        expect(await tracking.listArtifacts(id)).toEqual(["a file ä.json", "deep/er/large.bin", "model/model.bin"]);
        expect(await tracking.artifactUri(id, "model/model.bin")).toMatch(/^(file|runs):.*\/model\/model\.bin$/);
      });

      it.each(["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a\\b", "a\0b", "a/"])(
        "refuse the path %j",
        async (path) => {
          const { runId: id } = await tracking.startRun({ experiment });
          const refused = { code: "ARTIFACT_PATH", field: "path" };
          await expect(tracking.logArtifact(id, path, new Uint8Array([1]))).rejects.toMatchObject(refused);
          await expect(tracking.readArtifact(id, path)).rejects.toMatchObject(refused);
          expect(await tracking.listArtifacts(id)).toEqual([]);
        },
      );

      it("that are missing or lie under a file are clear errors", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        await tracking.logArtifact(id, "a", new Uint8Array([1]));
        await expect(tracking.readArtifact(id, "b")).rejects.toMatchObject({
          code: "ARTIFACT_NOT_FOUND",
          hint: "It has: a.",
        });
        await expect(tracking.logArtifact(id, "a/b", new Uint8Array([1]))).rejects.toMatchObject({
          code: "ARTIFACT_PATH",
        });
      });
    });

    describe("the model registry", () => {
      beforeEach(async () => {
        runId = (await tracking.startRun({ experiment })).runId;
      });

      it("gives versions once per key, and their numbers never again", async () => {
        const key = fresh("k1");
        const first = await tracking.registerModel({ name, runId, key, tags: { a: "b" }, description: "one" });
        expect(first).toMatchObject({ name, version: 1, runId, stage: "none", aliases: [], description: "one" });
        expect(first).toMatchObject({ tags: { a: "b" }, alreadyDone: false });
        expect(await tracking.registerModel({ name, runId, key })).toEqual({ ...first, alreadyDone: true });
        await expect(tracking.registerModel({ name: fresh("n"), runId, key })).rejects.toMatchObject({
          code: "KEY_ALREADY_USED",
        });
        expect((await tracking.registerModel({ name, runId })).version).toBe(2);
        expect(await tracking.deleteModelVersion({ name, version: 2 })).toBe(true);
        expect(await tracking.deleteModelVersion({ name, version: 2 })).toBe(false);
        expect((await tracking.registerModel({ name, runId })).version).toBe(3);
        expect((await tracking.listModelVersions(name)).map(({ version }) => version)).toEqual([3, 1]);
      });

      it("archives the former production version, and says so again when asked again", async () => {
        for (let i = 0; i < 3; i++) await tracking.registerModel({ name, runId });
        const promote = (version: number) =>
          tracking.transitionStage({ name, version, stage: "production", archiveExisting: true });
        expect((await promote(1)).archived).toEqual([]);
        const second = await promote(2);
        expect(second).toMatchObject({ version: { version: 2, stage: "production" }, archived: [1] });
        expect(await promote(2)).toEqual(second);
        expect((await promote(1)).archived).toEqual([2]);
        expect((await promote(3)).archived).toEqual([1]);
        expect((await promote(2)).archived).toEqual([3]);
        expect(await tracking.getModelVersion({ name, stage: "production" })).toMatchObject({ version: 2 });
        const listed = (await tracking.listModels()).filter((model) => model.name === name);
        expect(listed).toMatchObject([{ name, latest: 3, production: 2 }]);
        await expect(tracking.deleteModelVersion({ name, version: 2 })).rejects.toMatchObject({
          code: "MODEL_VERSION_IN_PRODUCTION",
        });
      });

      it("leaves one version in production when several are promoted at once", async () => {
        for (let i = 0; i < 4; i++) await tracking.registerModel({ name, runId });
        const openings = await Promise.all([open(), open(), open(), open()]);
        await Promise.all(
          openings.map((one, at) =>
            one.transitionStage({ name, version: at + 1, stage: "production", archiveExisting: true }),
          ),
        );
        for (const one of openings) await one.close();
        const stages = (await tracking.listModelVersions(name)).map(({ stage }) => stage);
        expect(stages.sort()).toEqual(["archived", "archived", "archived", "production"]);
      });

      it("moves aliases with a promotion", async () => {
        for (let i = 0; i < 2; i++) await tracking.registerModel({ name, runId });
        for (const version of [1, 2]) {
          const promotion = {
            name,
            version,
            stage: "production",
            archiveExisting: true,
            aliases: ["live", "best"],
          } as const;
          expect((await tracking.transitionStage(promotion)).version.aliases).toEqual(["best", "live"]);
        }
        expect(await tracking.getModelVersion({ name, version: 1 })).toMatchObject({ aliases: [], stage: "archived" });
        const refused = { name, version: 1, stage: "staging", archiveExisting: false, aliases: ["v2"] } as const;
        await expect(tracking.transitionStage(refused)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
        expect(await tracking.getModelVersion({ name, version: 1 })).toMatchObject({ stage: "archived" });
      });

      it("keeps two in a stage that nobody cleared", async () => {
        for (let i = 0; i < 2; i++) await tracking.registerModel({ name, runId });
        for (const version of [1, 2])
          await tracking.transitionStage({ name, version, stage: "staging", archiveExisting: false });
        expect(await tracking.getModelVersion({ name, stage: "staging" })).toMatchObject({ version: 2 });
        expect(await tracking.getModelVersion({ name, version: 1 })).toMatchObject({ stage: "staging" });
      });

      it("finds a version by number, stage and alias", async () => {
        await tracking.registerModel({ name, runId });
        await tracking.registerModel({ name, runId });
        await tracking.setModelAlias({ name, version: 1, alias: "champion" });
        expect(await tracking.getModelVersion({ name, alias: "champion" })).toMatchObject({ version: 1 });
        expect(await tracking.setModelAlias({ name, version: 2, alias: "champion" })).toMatchObject({ version: 2 });
        expect(await tracking.getModelVersion({ name, alias: "champion" })).toMatchObject({ aliases: ["champion"] });
        expect(await tracking.getModelVersion({ name, version: 1 })).toMatchObject({ aliases: [] });
        expect(await tracking.getModelVersion({ name, stage: "none" })).toMatchObject({ version: 2 });
        await tracking.updateModelDescription({ name, version: 1, description: "first" });
        expect(await tracking.getModelVersion({ name, version: 1 })).toMatchObject({ description: "first" });
        await expect(tracking.setModelAlias({ name, version: 1, alias: "latest" })).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
        });
      });

      it("names what is nearest to what is not there", async () => {
        const there = fresh("customer_repurchase");
        await tracking.registerModel({ name: there, runId });
        const wrong = there.replace("repurchase", "repurchse");
        await expect(tracking.getModelVersion({ name: wrong, version: 1 })).rejects.toMatchObject({
          code: "MODEL_NOT_FOUND",
          message: `There is no registered model "${wrong}".`,
          field: "name",
          hint: expect.stringContaining(`"${there}"`),
        });
        const request = { name: there, stage: "production" } as const;
        await expect(tracking.getModelVersion(request)).rejects.toMatchObject({
          code: "MODEL_VERSION_NOT_FOUND",
          message: `Model "${there}" has no version in stage "production".`,
          hint: "It has: 1.",
        });
        await expect(tracking.getModelVersion({ name: there, alias: "champion" })).rejects.toMatchObject({
          code: "MODEL_VERSION_NOT_FOUND",
          field: "alias",
        });
        await expect(tracking.getModelVersion({ name: there, version: 9 })).rejects.toMatchObject({ field: "version" });
        await expect(tracking.registerModel({ name: "../m", runId })).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
        });
      });
    });

    describe("lineage", () => {
      it("leads from a version to its run, DAG run, tables, views and code, and back from a table", async () => {
        const [purchases, labels] = [fresh("purchases"), fresh("labels")];
        const made = async (version: number) => {
          const { runId: id } = await tracking.startRun({
            experiment,
            lineage: {
              dag: "daily",
              dagRun: "daily/1998-01-31",
              tables: [
                { table: purchases, version, context: "training" },
                { table: labels, version: 7 },
              ],
            },
          });
          const more = { codeVersion: "4a5b6c", featureViews: { customer_features: "v3" } };
          await tracking.logLineage(id, more);
          await tracking.logLineage(id, { ...more, tables: [{ table: purchases, version, context: "training" }] });
          return (await tracking.registerModel({ name, runId: id })).version;
        };
        expect([await made(3), await made(4)]).toEqual([1, 2]);
        const lineage = await tracking.versionLineage({ name, version: 1 });
        expect(lineage).toMatchObject({
          version: { name, version: 1 },
          run: { runId: lineage.version.runId, experiment },
          dag: "daily",
          dagRun: "daily/1998-01-31",
          codeVersion: "4a5b6c",
          featureViews: { customer_features: "v3" },
        });
        expect([...lineage.tables].sort((a, b) => (a.table < b.table ? -1 : 1))).toEqual([
          { table: labels, version: 7, context: null },
          { table: purchases, version: 3, context: "training" },
        ]);
        const versionsOf = async (table: { table: string; version?: number }) =>
          (await tracking.versionsFromTable(table)).map(({ version }) => version);
        expect(await versionsOf({ table: purchases, version: 3 })).toEqual([1]);
        expect(await versionsOf({ table: purchases })).toEqual([2, 1]);
        // Of two tables, one in version 3 and one in version 7: none in version 7 of the first.
        expect(await versionsOf({ table: purchases, version: 7 })).toEqual([]);
        expect(await versionsOf({ table: fresh("nobody's") })).toEqual([]);
      });

      it("is empty for a version of a run that nobody told about", async () => {
        const { runId: id } = await tracking.startRun({ experiment });
        await tracking.registerModel({ name, runId: id });
        const { run, tables, featureViews, ...rest } = await tracking.versionLineage({ name, version: 1 });
        expect(run?.runId).toBe(id);
        expect(rest).toMatchObject({ dag: null, dagRun: null });
        expect([tables, featureViews]).toEqual([[], {}]);
      });
    });
  });
}

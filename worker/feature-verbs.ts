/** One verb of `dagwright features`, as the client asks for it: prints `{ answer }` or `{ error }` as JSON. */
import { createRegistry } from "@dagwright/engine";
import { readSettings } from "@dagwright/engine/settings";
import { z } from "zod";
import { featureStore } from "../mcp-servers/feature-store/contract.ts";
import { listFeatureViews } from "../mcp-servers/feature-store/feature-store.ts";
import { failureOf } from "./readiness.ts";
import { openHouse } from "./wiring.ts";

const { materialize_features, get_online_features } = featureStore.tools;
/** Arguments of a tool travel as they are: the server checks them. */
const Question = z.discriminatedUnion("verb", [
  z.object({ verb: z.enum(["plan", "apply", "list"]) }),
  z.object({ verb: z.literal("materialize"), input: z.custom<z.input<typeof materialize_features.input>>() }),
  z.object({ verb: z.literal("online"), input: z.custom<z.input<typeof get_online_features.input>>() }),
]);

async function answerTo(question: z.output<typeof Question>): Promise<unknown> {
  const house = await openHouse(readSettings(process.env, process.cwd()), createRegistry([]), null);
  try {
    const client = house.pool.client(featureStore);
    switch (question.verb) {
      case "materialize":
        return await client.call("materialize_features", question.input);
      case "online":
        return await client.call("get_online_features", question.input);
      case "plan":
        return await (await house.features()).plan();
      case "apply":
        return await (await house.features()).apply();
      case "list":
        return await listFeatureViews(await house.features());
    }
  } finally {
    await house.close();
  }
}

let said: object;
try {
  said = { answer: await answerTo(Question.parse(JSON.parse(process.argv[2] ?? ""))) };
} catch (error) {
  const failure = failureOf(error);
  if (failure.code === "INTERNAL_ERROR" && error instanceof Error) console.error(error.stack);
  said = { error: failure };
}
process.stdout.write(JSON.stringify(said), () => process.exit("error" in said ? 1 : 0));

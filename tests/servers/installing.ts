/** What tests need besides npm packages: installed where it is missing, once, by one process at a time. */
import { oneAtATime } from "./one-at-a-time.ts";

/**
 * Runs an installation under its name, while no other test file runs the same one.
 *
 * @param missing what is missing where it fails, and how to get it; takes the first line of the error
 * @returns undefined when it is there, else what is missing
 * @throws with `CI=true`, where nothing may be missing
 */
export async function installing(
  name: string,
  missing: (why: string) => string,
  install: () => Promise<void>,
): Promise<string | undefined> {
  return await oneAtATime(name, async () => {
    try {
      await install();
      return undefined;
    } catch (error) {
      const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      if (process.env["CI"] === "true") throw new Error(missing(why), { cause: error });
      return missing(why);
    }
  });
}

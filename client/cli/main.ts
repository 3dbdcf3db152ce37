/** The `dagwright` command: one file a verb. */
import { CommanderError } from "commander";
import { EXIT, showError } from "./output.ts";
import { dagwrightProgram } from "./program.ts";

try {
  await dagwrightProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else process.exitCode = showError(error, process.argv.includes("--json"));
}
// Connections of the Temporal client may linger; what was to be said has been said.
process.stdout.write("", () => process.exit());

/** The `dagwright` command: one file a verb. */
import { CommanderError } from "commander";
import { EXIT, show, showError } from "./output.ts";
import { dagwrightProgram } from "./program.ts";

try {
  await dagwrightProgram().parseAsync(process.argv);
} catch (error) {
  const asJson = process.argv.includes("--json");
  if (!(error instanceof CommanderError)) process.exitCode = showError(error, asJson);
  else if (error.exitCode === 0) process.exitCode = EXIT.ok;
  else {
    // It has told a person already, on stderr.
    if (asJson) show({ error: usageError(error) }, true, String);
    process.exitCode = EXIT.usage;
  }
}
// Connections of the Temporal client may linger; what was to be said has been said.
process.stdout.write("", () => process.exit());

/** A command line that is not understood, as `--json` shows it. */
function usageError({ code, message }: CommanderError) {
  return {
    code: "USAGE",
    message: code === "commander.help" ? "A verb is missing" : message.replace(/^error: /, ""),
    hint: "`--help` shows what there is.",
  };
}

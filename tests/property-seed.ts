/**
 * Property tests draw the same cases each time, so that a red run says something of the change it tests.
 * `PROPERTY_SEED=random` looks for new ones; a failure prints the seed, which `PROPERTY_SEED` takes.
 */
import fc from "fast-check";

const asked = process.env["PROPERTY_SEED"];
if (asked !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked ?? 20_261_128) });

import { type Duration, millisecondsOf } from "./duration.ts";
import { InvalidControllerError } from "./errors.ts";
import { isId } from "./id.ts";

/** A long-lived workflow, `retraining-controller/<model>`, that takes `drift` signals and starts a retraining run. */
export interface RetrainingController {
  readonly model: string;
  /** Id of the DAG whose run retrains the model. */
  readonly dag: string;
  /** How long signals are collected before a run is started, counted from the first. */
  readonly debounceMs: number;
  /** Least time between the starts of two retraining runs. */
  readonly coolDownMs: number;
}

const BRAND = Symbol.for("dagwright.retraining-controller");

/**
 * Declares a retraining controller; a DAG file exports it, and workers start it.
 * @throws InvalidControllerError
 */
export function retrainingController(options: {
  readonly model: string;
  readonly dag: string;
  /** @default "5s" */
  readonly debounce?: Duration;
  /** @default "1h" */
  readonly coolDown?: Duration;
}): RetrainingController {
  const { model, dag, debounce = "5s", coolDown = "1h" } = options;
  for (const [field, id] of Object.entries({ model, dag })) {
    if (!isId(id)) throw new InvalidControllerError(field, id, 'letters, digits, "_", "-" and "."');
  }
  const span = (field: string, duration: Duration) => {
    const milliseconds = millisecondsOf(duration);
    if (milliseconds === null) throw new InvalidControllerError(field, duration, 'a duration such as "5m"');
    return milliseconds;
  };
  const controller = { model, dag, debounceMs: span("debounce", debounce), coolDownMs: span("coolDown", coolDown) };
  return Object.defineProperty(controller, BRAND, { value: true });
}

/** The retraining controllers that a module exports. */
export function controllersOfModule(moduleNamespace: Readonly<Record<string, unknown>>): RetrainingController[] {
  return Object.values(moduleNamespace).filter(isController);
}

function isController(value: unknown): value is RetrainingController {
  return typeof value === "object" && value !== null && BRAND in value;
}

import { TrackingError } from "./errors.ts";
import { nearestNames } from "./nearest-names.ts";

/** The error of a name that no model is registered under. @param names all that are, by name */
export function modelNotFound(name: string, names: readonly string[]): TrackingError {
  const near = nearestNames(name, names);
  return new TrackingError("MODEL_NOT_FOUND", `There is no registered model "${name}".`, {
    field: "name",
    hint:
      near.length > 0
        ? `Did you mean ${near.map((one) => `"${one}"`).join(" or ")}?`
        : names.length === 0
          ? "No model is registered yet."
          : `Registered: ${names.slice(0, 10).join(", ")}.`,
    mlflow: `Registered Model with name=${name} not found`,
  });
}

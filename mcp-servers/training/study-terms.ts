import { createHash } from "node:crypto";
import { ToolError } from "@dagwright/mcp-kit";
import type { TrackingRun } from "@dagwright/tracking";

/** What a study measures, by the argument that says it. Trials of other terms cannot be compared with its own. */
export type StudyTerms = Readonly<Record<string, unknown>>;

const PREFIX = "study.";
/** A tag of MLflow holds 5,000 characters; a longer term is known by its hash. */
const LONGEST = 1000;

/** The terms as tags of the study's run. */
export function termTags(terms: StudyTerms): Record<string, string> {
  return Object.fromEntries(Object.entries(terms).map(([name, value]) => [`${PREFIX}${name}`, textOf(value)]));
}

/** A term that the study's run has kept; undefined for a study that kept none. */
export function keptTerm(study: TrackingRun, name: string): string | undefined {
  return study.tags[`${PREFIX}${name}`];
}

/** @throws ToolError STUDY_DIFFERS for the first term that is not the study's */
export function checkTerms(name: string, study: TrackingRun, terms: StudyTerms): void {
  for (const [field, value] of Object.entries(terms)) {
    const kept = keptTerm(study, field);
    const given = textOf(value);
    if (kept === undefined || kept === given) continue;
    throw new ToolError(
      "STUDY_DIFFERS",
      `${field} is ${shown(given)}: expected ${shown(kept)}, as the study "${name}" was begun with.`,
      { field, hint: "Give another search a study name of its own." },
    );
  }
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value, sorted);
  return text.length <= LONGEST ? text : `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** Keys in order, so that the same terms are the same text. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

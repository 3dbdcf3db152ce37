import type { ModelStage } from "../api.ts";
import { all, allOf, one, type Work } from "../database/work.ts";
import type { KeyValue } from "./checks.ts";
import { grouped } from "./grouped.ts";

export interface VersionRow {
  readonly name: string;
  readonly version: number;
  readonly stage: ModelStage;
  readonly description: string;
  readonly source: string;
  readonly storage_location: string;
  readonly run_id: string;
  readonly run_link: string;
  readonly created_ms: number;
  readonly updated_ms: number;
}

export interface VersionRecord {
  readonly row: VersionRow;
  readonly tags: readonly KeyValue[];
  readonly aliases: readonly string[];
}

/** A version, or undefined for a number that was never given or is deleted. */
export function versionRow(name: string, version: number): Work<VersionRow | undefined> {
  return one<VersionRow>("SELECT * FROM model_versions WHERE name = ? AND version = ?", name, version);
}

/** All versions of a name, the newest first. */
export function* versionsOf(name: string): Work<VersionRecord[]> {
  return yield* versionRecords(
    yield* all<VersionRow>("SELECT * FROM model_versions WHERE name = ? ORDER BY version DESC", name),
  );
}

/** Of each name and stage the highest version. */
export function* latestVersions(names: readonly string[]): Work<VersionRecord[]> {
  const rows = yield* allOf<VersionRow>(
    `SELECT v.* FROM model_versions v WHERE v.name IN (?) AND NOT EXISTS (
       SELECT 1 FROM model_versions w WHERE w.name = v.name AND w.stage = v.stage AND w.version > v.version)
     ORDER BY v.name, v.version`,
    names,
  );
  return yield* versionRecords(rows);
}

/** Versions with their tags and aliases. */
export function* versionRecords(rows: readonly VersionRow[]): Work<VersionRecord[]> {
  const names = [...new Set(rows.map(({ name }) => name))];
  const placeOf = ({ name, version }: { name: string; version: number }) => `${version}/${name}`;
  const tags = grouped(
    yield* allOf<KeyValue & { name: string; version: number }>(
      "SELECT name, version, key, value FROM model_version_tags WHERE name IN (?) ORDER BY key",
      names,
    ),
    placeOf,
  );
  const aliases = grouped(
    yield* allOf<{ name: string; version: number; alias: string }>(
      "SELECT name, version, alias FROM model_aliases WHERE name IN (?) ORDER BY alias",
      names,
    ),
    placeOf,
  );
  return rows.map((row) => ({
    row,
    tags: (tags.get(placeOf(row)) ?? []).map(({ key, value }) => ({ key, value })),
    aliases: (aliases.get(placeOf(row)) ?? []).map(({ alias }) => alias),
  }));
}

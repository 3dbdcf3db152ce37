import { type ModelStage, type ModelVersion, type Tracking, TrackingError } from "@dagwright/tracking";

/** Which version is asked for: exactly one of `version` and `stage` is given. */
export interface VersionRequest {
  readonly name: string;
  readonly version?: number | undefined;
  readonly stage?: ModelStage | undefined;
}

/** Looks a version up; that there is none, or no model of that name, is an answer. */
export async function findVersion(
  tracking: Tracking,
  { name, version, stage = "none" }: VersionRequest,
): Promise<{ found: boolean; version: ModelVersion | null }> {
  try {
    return {
      found: true,
      version: await tracking.getModelVersion(version === undefined ? { name, stage } : { name, version }),
    };
  } catch (error) {
    const absent =
      error instanceof TrackingError && ["MODEL_NOT_FOUND", "MODEL_VERSION_NOT_FOUND"].includes(error.code);
    if (absent) return { found: false, version: null };
    throw error;
  }
}

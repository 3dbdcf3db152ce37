/** What is checked before a run is started or a version registered, wherever it is kept. */
import type { RegisterModel, StartRun } from "./api.ts";
import { checkBatch, checkName, checkServableName } from "./batch.ts";
import { lineageTags, tableInputs } from "./lineage.ts";
import { checkRegistryTag, type KeyValue, keptTag } from "./store/checks.ts";

/** The tags of a run that starts, its lineage's among them, and its dataset inputs. @throws INVALID_ARGUMENT */
export function checkedStart({ experiment, name, tags = {}, key, lineage = {} }: StartRun): {
  readonly tags: readonly KeyValue[];
  readonly inputs: ReturnType<typeof tableInputs>;
} {
  checkName("experiment", experiment);
  if (name !== undefined) checkName("name", name);
  if (key !== undefined) checkName("key", key);
  checkBatch({ tags });
  return {
    tags: Object.entries({ ...tags, ...lineageTags(lineage) }).map(([tag, value]) =>
      keptTag({ key: tag, value }, `tags.${tag}`),
    ),
    inputs: tableInputs(lineage.tables ?? []),
  };
}

/** The tags of a version that is registered. @throws INVALID_ARGUMENT */
export function checkedTags({ name, key, tags = {} }: RegisterModel): readonly KeyValue[] {
  checkServableName(name);
  if (key !== undefined) checkName("key", key);
  const pairs = Object.entries(tags).map(([tag, value]) => ({ key: tag, value }));
  for (const tag of pairs) checkRegistryTag(tag);
  return pairs;
}

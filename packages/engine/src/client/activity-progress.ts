import type { WorkflowExecutionDescription } from "@temporalio/client";
import { z } from "zod";
import type { RunView, TaskProgress } from "../core/state.ts";
import type { ClientGround } from "./ground.ts";

const Progress = z.object({ done: z.number(), total: z.number().exactOptional(), note: z.string().exactOptional() });

/** The latest progress of the running tasks, by node id: their last heartbeats. */
export function progressOf(
  { temporal }: ClientGround,
  { raw }: WorkflowExecutionDescription,
): Record<string, TaskProgress> {
  const { payloadConverter } = temporal.options.loadedDataConverter;
  const found: Record<string, TaskProgress> = {};
  for (const { activityId, heartbeatDetails } of raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (!activityId || !payload) continue;
    const parsed = Progress.safeParse(payloadConverter.fromPayload(payload));
    if (parsed.success) found[activityId] = parsed.data;
  }
  return found;
}

/** The view with the progress of its running tasks. */
export function withProgress(view: RunView, progress: Readonly<Record<string, TaskProgress>>): RunView {
  if (Object.keys(progress).length === 0) return view;
  const tasks = Object.entries(view.tasks).map(([id, task]) => {
    const latest = progress[id];
    return [id, task.state === "running" && latest !== undefined ? { ...task, progress: latest } : task];
  });
  return { ...view, tasks: Object.fromEntries(tasks) };
}

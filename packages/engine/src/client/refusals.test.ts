import { ApplicationFailure, WorkflowUpdateFailedError } from "@temporalio/client";
import { expect, it } from "vitest";
import { refusalOf } from "./refusals.ts";

it("tells whoever answers a run that has ended that it is too late", () => {
  const over = new WorkflowUpdateFailedError("failed", ApplicationFailure.create({ type: "RUN_OVER" }));
  expect(refusalOf(over, "r", "answer").message).toBe('Run "r" has ended: it is too late to answer');
});

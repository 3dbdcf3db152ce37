export { decide, initialState, isOver, MAX_LOST_ATTEMPTS } from "./decide.ts";
export { readExpression } from "./expression.ts";
export * from "./graph.ts";
export * from "./state.ts";
export { applyTriggerRule, isFinal } from "./trigger-rules.ts";

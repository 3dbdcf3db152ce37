/** Graphs for people: drawn, and compared. */
export { differenceOf, differenceText, type FieldChange, type GraphDifference, isSame } from "./difference.ts";
export { dotOf, mermaidOf, textOf } from "./drawings.ts";

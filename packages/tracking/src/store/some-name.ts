import { randomInt } from "node:crypto";

const HOW = (
  "able amused bold brave bright calm capable clean clever dapper eager fair fancy fast fun gentle glad " +
  "grand handsome hushed intrigued jolly kind learned likeable lively lucky mysterious nimble polite proud quiet rare " +
  "resilient righteous sedate selective silent skillful smiling spiffy stately sturdy thoughtful trusting upbeat welcoming wise"
).split(" ");
const WHAT = (
  "ant bass bear bee bird boar bug carp cat colt conch cow crab crane crow deer doe dolphin duck eel elk " +
  "finch fish fly fox frog goat goose grouse grub hare hawk hen horse jay kit koi lamb lark lynx mare mink mole moose " +
  "mouse newt owl panda perch pig quail ram rat rook seal shad shark sheep shrew shrike skink slug smelt snail snake " +
  "sow squid steed stork swan toad trout turtle vole wasp whale wolf worm wren yak zebra"
).split(" ");

/** A name for what nobody named, in MLflow's manner: calm-owl-123. */
export function someName(): string {
  return `${HOW[randomInt(HOW.length)]}-${WHAT[randomInt(WHAT.length)]}-${randomInt(1_000)}`;
}

/**
 * One thread leads, the others help: the leader gives out a command, all work on it, the leader waits until all are done.
 * `control`: 0 number of the command, 1 helpers done, 2 helpers asleep, 3 the command, 4 the next share of the work, 5 the
 * leader sleeps.
 */
import { i32At, setI32 } from "./memory";

const SPINS: i32 = 2000;

export let control: usize = 0;
export let threads: i32 = 1;

export function setTeam(at: usize, size: i32): void {
  control = at;
  threads = size;
}

/** Hands out a command to the helpers; the leader then works on it too and calls `joinTeam`. */
export function callTeam(command: i32): void {
  setI32(control, 3, command);
  atomic.store<i32>(control + 4, 0);
  atomic.store<i32>(control + 16, 0);
  if (threads == 1) return;
  atomic.add<i32>(control, 1);
  if (atomic.load<i32>(control + 8) > 0) atomic.notify(control, 64);
}

export function joinTeam(): void {
  const all = threads - 1;
  for (let spin = 0; spin < SPINS; spin++) if (atomic.load<i32>(control + 4) >= all) return;
  // Processors are scarce: the helpers may need this one.
  atomic.store<i32>(control + 20, 1);
  for (let done = atomic.load<i32>(control + 4); done < all; done = atomic.load<i32>(control + 4))
    atomic.wait<i32>(control + 4, done, -1);
  atomic.store<i32>(control + 20, 0);
}

/** A helper waits for the command after number `last`; gives the new number. */
export function awaitCommand(last: i32): i32 {
  for (let spin = 0; spin < SPINS; spin++) if (atomic.load<i32>(control) != last) return atomic.load<i32>(control);
  while (atomic.load<i32>(control) == last) {
    atomic.add<i32>(control + 8, 1);
    atomic.wait<i32>(control, last, -1);
    atomic.sub<i32>(control + 8, 1);
  }
  return atomic.load<i32>(control);
}

export function command(): i32 { return i32At(control, 3); }
export function doneWithCommand(): void {
  atomic.add<i32>(control + 4, 1);
  if (atomic.load<i32>(control + 20) != 0) atomic.notify(control + 4, 1);
}
/** The next share of the work, 0, 1, …: whichever thread asks first. */
// @ts-ignore: decorator
@inline export function nextShare(): i32 { return atomic.add<i32>(control + 16, 1); }

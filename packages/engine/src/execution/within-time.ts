/** The longest wait of `setTimeout`, in milliseconds (24.8 days): a longer time is no limit. */
export const LONGEST_TIMER = 2_147_483_647;

/** What the work gives, or `late` when that takes longer than the time left, in milliseconds. */
export async function withinTime<T>(work: Promise<T>, timeMs: number, late: () => T): Promise<T> {
  if (timeMs > LONGEST_TIMER) return await work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late()), timeMs);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

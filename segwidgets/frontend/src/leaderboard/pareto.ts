import type { Run } from "./runs";
import { numberOf } from "./runs";

/** What a run can be better at than another: more of it, or less. */
export const OBJECTIVES = [
  { key: "silhouette", words: "silhouette, higher", better: 1 },
  { key: "coverage", words: "coverage, higher", better: 1 },
  { key: "smallest", words: "smallest segment, larger", better: 1 },
  { key: "segments", words: "segments, fewer", better: -1 },
  { key: "duration", words: "duration, shorter", better: -1 },
] as const;

function worth(run: Run, key: string): number | null {
  const value = numberOf(run, key);
  return value === null ? null : value * (OBJECTIVES.find((one) => one.key === key)?.better ?? 1);
}

/**
 * The ids of the runs that no other run beats: none is better at one of the two and at least as good at the other.
 * A run that lacks either is none of them.
 */
export function front(runs: readonly Run[], first: string, second: string): Set<string> {
  const points: { id: string; x: number; y: number }[] = [];
  for (const run of runs) {
    const [x, y] = [worth(run, first), worth(run, second)];
    if (x !== null && y !== null) points.push({ id: run.id, x, y });
  }
  points.sort((one, other) => other.x - one.x || other.y - one.y);
  const found = new Set<string>();
  let best = Number.NEGATIVE_INFINITY;
  let at = Number.NaN;
  for (const { id, x, y } of points) {
    if (y > best || (y === best && x === at)) {
      found.add(id);
      [best, at] = [y, x];
    }
  }
  return found;
}

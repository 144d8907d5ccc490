import { count, short } from "../shared/format";

/** "1st", "2nd", "3rd", "10th", "11th", "21st". */
export function ordinal(value: number): string {
  const tens = value % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" } as Record<number, string>)[value % 10];
  return `${value}${ending ?? "th"}`;
}

export interface Said {
  k: number;
  points: number;
  eps: number;
  /** What holds at eps: clusters and noise where a profile tells them, and the share of core points. */
  told: string;
  knee: number | null;
  plateau: readonly [number, number] | null;
}

/** The plot in words, for those who do not see it. */
export function inWords({ k, points, eps, told, knee, plateau }: Said): string {
  if (points === 0) return "No k-distances yet.";
  const words = [
    `${k}-distance plot of ${count(points)} points.`,
    `At eps ${short(eps, 4)}: ${told} of the points are core.`,
    knee === null ? "No knee." : `Knee at ${short(knee)}.`,
    plateau ? `The clustering stays much the same from eps ${short(plateau[0])} to ${short(plateau[1])}.` : "",
  ];
  return words.filter(Boolean).join(" ");
}

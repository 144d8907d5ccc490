/** Red, green and blue of sRGB, each from 0 to 1. */
export type Rgb = readonly [number, number, number];
/** OKLab lightness, green-red and blue-yellow (Ottosson 2020, "A perceptual color space for image processing"). */
export type Lab = readonly [number, number, number];

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const encoded = (value: number): number => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);
const clamp = (value: number): number => Math.min(1, Math.max(0, value));

export function hex(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

export function css(colour: Rgb): string {
  return `#${colour.map((part) => Math.round(clamp(part) * 255).toString(16).padStart(2, "0")).join("")}`;
}

/** Relative luminance, WCAG 2.2. */
export function luminance(colour: Rgb): number {
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

/** Contrast ratio, WCAG 2.2: 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const a = luminance(one);
  const b = luminance(other);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function linearToLab(r: number, g: number, b: number): Lab {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export function toLab(colour: Rgb): Lab {
  return linearToLab(linear(colour[0]), linear(colour[1]), linear(colour[2]));
}

/** Linear light, which may fall outside 0 to 1 where sRGB cannot show the colour. */
function labToLinear([lightness, a, b]: Lab): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** OKLCH to sRGB; chroma gives way, lightness and hue (degrees) stay, until sRGB can show it. */
export function fromLch(lightness: number, chroma: number, hue: number): Rgb {
  const angle = (hue * Math.PI) / 180;
  let rgb: Rgb = [lightness, lightness, lightness];
  for (let c = chroma; c >= 0; c -= 0.005) {
    rgb = labToLinear([lightness, c * Math.cos(angle), c * Math.sin(angle)]);
    if (rgb.every((part) => part >= -1e-4 && part <= 1.0001)) break;
  }
  return [encoded(clamp(rgb[0])), encoded(clamp(rgb[1])), encoded(clamp(rgb[2]))];
}

export function toLch(colour: Rgb): readonly [number, number, number] {
  const [lightness, a, b] = toLab(colour);
  return [lightness, Math.hypot(a, b), (Math.atan2(b, a) * 180) / Math.PI];
}

/** `share` of the way from one colour to the other, in sRGB. */
export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
  ];
}

export type Vision = "normal" | "protan" | "deutan";

/** Full dichromacy in linear light, rows red, green, blue (Machado, Oliveira and Fernandes 2009, severity 1.0). */
const DICHROMACY: Record<Exclude<Vision, "normal">, readonly number[]> = {
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
};

/** The colour in OKLab as somebody with that vision sees it. */
export function seen(colour: Rgb, vision: Vision): Lab {
  if (vision === "normal") return toLab(colour);
  const m = DICHROMACY[vision];
  const [r, g, b] = [linear(colour[0]), linear(colour[1]), linear(colour[2])];
  const row = (i: number): number => clamp((m[i] ?? 0) * r + (m[i + 1] ?? 0) * g + (m[i + 2] ?? 0) * b);
  return linearToLab(row(0), row(3), row(6));
}

export function labDistance(one: Lab, other: Lab): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

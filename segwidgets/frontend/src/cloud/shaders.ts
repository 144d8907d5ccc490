/**
 * A point's texel holds its colour, and in alpha what it is: 255 a segment, 170 noise, 85 outside the isolated one,
 * 0 hidden. What is not a segment lies in the back half of the depth range, so that it never covers one.
 */
export const KIND = { segment: 255, noise: 170, ghost: 85, hidden: 0 } as const;
export const PALETTE_WIDTH = 1024;
/** What colours the points: their segment; a value's place on a scale or its category; their segment, faded by a value. */
export const MODE = { segment: 0, value: 1, fade: 2 } as const;
/** Which points a pass draws; translucent ones need the back drawn first, as they hide nothing by depth. */
export const LAYER = { all: 0, back: 1, front: 2 } as const;

export const VERTEX = `#version 300 es
precision highp float;
precision highp int;
layout(location = 0) in vec3 position;
layout(location = 1) in uint slot;
layout(location = 2) in uint value;
layout(location = 3) in uint picked;
uniform mat4 matrix;
uniform vec2 depthRange;
uniform float pixels;
uniform float reference;
uniform float fade;
uniform vec3 background;
uniform highp sampler2D palette;
uniform highp sampler2D scale;
uniform int mode;
uniform int layer;
uniform bool selecting;
uniform float emphasis;
flat out vec3 colour;
flat out float size;

void main() {
  vec4 texel = texelFetch(palette, ivec2(int(slot % ${PALETTE_WIDTH}u), int(slot / ${PALETTE_WIDTH}u)), 0);
  bool ghost = texel.a < 0.5;
  bool chosen = selecting && picked != 0u && !ghost;
  bool front = selecting ? chosen : texel.a > 0.9;
  if (texel.a < 0.1 || (layer == ${LAYER.back} && front) || (layer == ${LAYER.front} && !front)) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 1.0;
    return;
  }
  gl_Position = matrix * vec4(position, 1.0);
  float w = gl_Position.w;
  vec3 hue = texel.rgb;
  if (mode == ${MODE.value} && !ghost) hue = texelFetch(scale, ivec2(int(value), 0), 0).rgb;
  if (mode == ${MODE.fade} && !ghost && value > 0u) hue = mix(background, hue, 0.1 + 0.9 * float(value - 1u) / 254.0);
  if (selecting && !chosen) hue = mix(hue, background, 0.8 - 0.25 * emphasis);
  float depth = clamp((w - depthRange.x) / max(depthRange.y - depthRange.x, 1e-6), 0.0, 1.0);
  colour = mix(hue, background, fade * depth);
  float share = texel.a > 0.9 ? 1.0 : ghost ? 0.6 : 0.7;
  size = pixels * clamp(reference / w, 0.55, 3.0) * (chosen ? 1.15 + 1.6 * emphasis : share);
  gl_PointSize = max(size, 1.0);
  gl_Position.z = gl_Position.z * 0.5 + (front ? -0.5 : 0.5) * w;
}`;

export const FRAGMENT = `#version 300 es
precision highp float;
flat in vec3 colour;
flat in float size;
uniform vec3 background;
uniform float opacity;
out vec4 pixel;

void main() {
  vec3 shade = colour;
  if (size > 2.5) {
    // A disc; its edge leans towards the background, which smooths it and parts it from its neighbours.
    float r = length(gl_PointCoord - 0.5) * size;
    float edge = size * 0.5 - r;
    if (edge < 0.0) discard;
    shade = mix(background, colour, clamp(0.6 + edge * 0.5, 0.0, 1.0));
  }
  pixel = vec4(shade, opacity);
}`;

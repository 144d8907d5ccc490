import type { Slots } from "../shared/binary";
import type { Rgb } from "../shared/colour";
import { FRAGMENT, PALETTE_WIDTH, VERTEX } from "./shaders";

export interface Frame {
  matrix: Float32Array;
  depthRange: readonly [number, number];
  /** Where along the view a point has its nominal size. */
  reference: number;
  /** Side of a point, CSS pixels. */
  pointSize: number;
  /** Share of the background in the farthest points. */
  fade: number;
  background: Rgb;
}

const UNIFORMS = ["matrix", "depthRange", "pixels", "reference", "fade", "background", "palette"] as const;

interface Device {
  program: WebGLProgram;
  uniforms: Record<(typeof UNIFORMS)[number], WebGLUniformLocation | null>;
  points: WebGLBuffer | null;
  slots: WebGLBuffer | null;
  palette: WebGLTexture | null;
}

function compile(gl: WebGL2RenderingContext, kind: number, source: string): WebGLShader {
  const shader = gl.createShader(kind);
  if (!shader) throw new Error("the browser gave no shader");
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader) ?? "a shader did not compile");
  }
  return shader;
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getProgramInfoLog(program) ?? "the shaders did not link");
  }
  return program;
}

/** One position buffer, one label buffer, one palette texture: a relabelling uploads labels only. */
export class Renderer {
  private device: Device;
  private xyz: Float32Array = new Float32Array(0);
  private dimensions: 2 | 3 = 3;
  private labels: Slots | null = null;
  private texels: Uint8Array = new Uint8Array(PALETTE_WIDTH * 4);

  private constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
  ) {
    this.device = this.create();
  }

  /** Null where the browser has no WebGL2. */
  static on(canvas: HTMLCanvasElement): Renderer | null {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, powerPreference: "high-performance" });
    return gl ? new Renderer(canvas, gl) : null;
  }

  /** Makes everything on the device again after the browser took the context away and gave it back. */
  restore(): void {
    this.device = this.create();
    this.setPoints(this.xyz, this.dimensions);
    this.setLabels(this.labels);
    this.setPalette(this.texels);
  }

  get lost(): boolean {
    return this.gl.isContextLost();
  }

  setPoints(xyz: Float32Array, dimensions: 2 | 3): void {
    const { gl, device } = this;
    this.xyz = xyz;
    this.dimensions = dimensions;
    gl.bindBuffer(gl.ARRAY_BUFFER, device.points);
    gl.bufferData(gl.ARRAY_BUFFER, xyz, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, dimensions, gl.FLOAT, false, 0, 0);
  }

  /** Labels plus one, one per point, or null: then every point takes the palette's entry 1. */
  setLabels(labels: Slots | null): void {
    const { gl, device } = this;
    this.labels = labels;
    if (!labels) {
      gl.disableVertexAttribArray(1);
      gl.vertexAttribI4ui(1, 1, 0, 0, 0);
      return;
    }
    const type = labels.BYTES_PER_ELEMENT === 1 ? gl.UNSIGNED_BYTE : labels.BYTES_PER_ELEMENT === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_INT;
    gl.bindBuffer(gl.ARRAY_BUFFER, device.slots);
    gl.bufferData(gl.ARRAY_BUFFER, labels, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribIPointer(1, 1, type, 0, 0);
  }

  /** RGBA by label plus one, whole rows of `PALETTE_WIDTH`. */
  setPalette(texels: Uint8Array): void {
    const { gl, device } = this;
    this.texels = texels;
    gl.bindTexture(gl.TEXTURE_2D, device.palette);
    const rows = texels.length / (PALETTE_WIDTH * 4);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, PALETTE_WIDTH, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
  }

  /** Draws once, at the canvas's size on the screen. */
  draw(frame: Frame): void {
    const { gl, canvas, device } = this;
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.clearColor(frame.background[0], frame.background[1], frame.background[2], 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const count = Math.floor(this.xyz.length / this.dimensions);
    if (count === 0) return;
    gl.uniformMatrix4fv(device.uniforms.matrix, false, frame.matrix);
    gl.uniform2f(device.uniforms.depthRange, frame.depthRange[0], frame.depthRange[1]);
    gl.uniform1f(device.uniforms.pixels, frame.pointSize * ratio);
    gl.uniform1f(device.uniforms.reference, frame.reference);
    gl.uniform1f(device.uniforms.fade, frame.fade);
    gl.uniform3f(device.uniforms.background, frame.background[0], frame.background[1], frame.background[2]);
    gl.uniform1i(device.uniforms.palette, 0);
    gl.drawArrays(gl.POINTS, 0, count);
  }

  /** Gives the context back at once: a page may hold about sixteen. */
  dispose(): void {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private create(): Device {
    const { gl } = this;
    const program = link(gl);
    gl.useProgram(program);
    gl.enable(gl.DEPTH_TEST);
    gl.disable(gl.BLEND);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const palette = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, palette);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    const uniforms = Object.fromEntries(
      UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]),
    ) as Device["uniforms"];
    return { program, uniforms, points: gl.createBuffer(), slots: gl.createBuffer(), palette };
  }
}

import type { Slots } from "../shared/binary";
import type { Rgb } from "../shared/colour";
import type { Part } from "./pace";
import { NOWHERE, type Positions } from "./positions";
import { FRAGMENT, LAYER, PALETTE_WIDTH, VERTEX } from "./shaders";

export interface Frame {
  /** Takes values to the picture: `forValues`. */
  matrix: Float32Array;
  depthRange: readonly [number, number];
  /** Where along the view a point has its nominal size. */
  reference: number;
  /** Side of a point, CSS pixels. */
  pointSize: number;
  opacity: number;
  /** Share of the background in the farthest points. */
  fade: number;
  background: Rgb;
  /** One of `MODE`. */
  mode: number;
  /** How much selected points stand out, 0 to 1: one alone must be found among a million. */
  emphasis: number;
  /** Which of the points. */
  part: Part;
}

/** What draws: on the graphics processor, or where there is none, without. */
export interface Painter {
  readonly lost: boolean;
  /** The largest step that a frame may ask for. */
  readonly longestStep: number;
  setPoints(points: Positions): void;
  setSlots(slots: Slots | null): void;
  setValues(values: Uint8Array | null): void;
  setPicked(picked: Uint8Array | null): void;
  setPalette(texels: Uint8Array): void;
  setScale(texels: Uint8Array): void;
  draw(frame: Frame): void;
  /** Calls back once what was drawn is on the screen, with the milliseconds it took. */
  whenDrawn(callback: (milliseconds: number) => void): void;
  dispose(): void;
}

const UNIFORMS = [
  "matrix", "depthRange", "pixels", "reference", "fade", "background", "palette", "scale", "mode", "layer", "selecting",
  "opacity", "emphasis",
] as const;
/** WebGL's limit for the bytes from one point to the next. */
const LONGEST_STRIDE = 255;
/** Milliseconds between two looks at whether a picture is done. */
const POLL = 4;

interface Device {
  uniforms: Record<(typeof UNIFORMS)[number], WebGLUniformLocation | null>;
  /** Positions, slots, values and picks, by attribute. */
  buffers: (WebGLBuffer | null)[];
  palette: WebGLTexture | null;
  scale: WebGLTexture | null;
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

/** A buffer for each attribute and a texture for each list of colours: a relabelling uploads slots only. */
export class Renderer implements Painter {
  private device: Device;
  private points: Positions = NOWHERE;
  /** Slots, values and picks; null where all points are alike. */
  private attributes: (Slots | null)[] = [null, null, null];
  private uploaded = [0, 0, 0];
  private texels: Uint8Array = new Uint8Array(PALETTE_WIDTH * 4);
  private scale: Uint8Array = new Uint8Array(256 * 4);
  private poll = 0;

  private constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
  ) {
    this.device = this.create();
  }

  /** Null where the browser has no WebGL2. */
  static on(canvas: HTMLCanvasElement): Renderer | null {
    const gl = canvas.getContext("webgl2", {
      alpha: false,
      antialias: false,
      powerPreference: "high-performance",
      // A picture may come in parts, one over the other.
      preserveDrawingBuffer: true,
    });
    return gl ? new Renderer(canvas, gl) : null;
  }

  private restore(): void {
    this.device = this.create();
    this.setPoints(this.points);
    this.uploaded = [0, 0, 0];
    const [slots, values, picked] = this.attributes;
    this.setSlots(slots ?? null);
    this.setValues(values as Uint8Array | null);
    this.setPicked(picked as Uint8Array | null);
    this.setPalette(this.texels);
    this.setScale(this.scale);
  }

  /** Tells when the browser takes the context away or gives it back; by then everything is on the device again. */
  watch(changed: () => void, restored: () => void): () => void {
    const lost = (event: Event): void => {
      event.preventDefault();
      changed();
    };
    const back = (): void => {
      this.restore();
      changed();
      restored();
    };
    this.canvas.addEventListener("webglcontextlost", lost);
    this.canvas.addEventListener("webglcontextrestored", back);
    return () => {
      this.canvas.removeEventListener("webglcontextlost", lost);
      this.canvas.removeEventListener("webglcontextrestored", back);
    };
  }

  get lost(): boolean {
    return this.gl.isContextLost();
  }

  get longestStep(): number {
    return Math.floor(LONGEST_STRIDE / (this.points.stride * this.points.values.BYTES_PER_ELEMENT));
  }

  setPoints(points: Positions): void {
    const { gl } = this;
    this.points = points;
    if (this.lost) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.device.buffers[0]!);
    gl.bufferData(gl.ARRAY_BUFFER, points.values, gl.STATIC_DRAW);
  }

  /** Slots of all points, or null: then every point takes the palette's entry 1. */
  setSlots(slots: Slots | null): void {
    this.setAttribute(0, slots);
  }

  setValues(values: Uint8Array | null): void {
    this.setAttribute(1, values);
  }

  setPicked(picked: Uint8Array | null): void {
    this.setAttribute(2, picked);
  }

  private setAttribute(which: 0 | 1 | 2, values: Slots | null): void {
    const { gl } = this;
    this.attributes[which] = values;
    if (!values || this.lost) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.device.buffers[which + 1]!);
    // A buffer that has the size already is written into: a move of eps allocates nothing on the device.
    if (this.uploaded[which] === values.byteLength) gl.bufferSubData(gl.ARRAY_BUFFER, 0, values);
    else gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    this.uploaded[which] = values.byteLength;
  }

  /** RGBA by slot, whole rows of `PALETTE_WIDTH`. */
  setPalette(texels: Uint8Array): void {
    this.texels = texels;
    this.upload(0, this.device.palette, texels, PALETTE_WIDTH);
  }

  /** RGBA by value, 256 of them. */
  setScale(texels: Uint8Array): void {
    this.scale = texels;
    this.upload(1, this.device.scale, texels, 256);
  }

  private upload(unit: number, texture: WebGLTexture | null, texels: Uint8Array, width: number): void {
    const { gl } = this;
    if (this.lost) return;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, texels.length / (width * 4), 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
  }

  /** Draws once, at the canvas's size on the screen. */
  draw(frame: Frame): void {
    const { gl, canvas } = this;
    const { uniforms } = this.device;
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.clearColor(frame.background[0], frame.background[1], frame.background[2], 1);
    gl.depthMask(true);
    const { step, offset } = frame.part;
    if (offset === 0) gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const count = Math.ceil((this.points.count - offset) / step);
    if (count <= 0) return;
    this.bind(step, offset);
    gl.uniformMatrix4fv(uniforms.matrix, false, frame.matrix);
    gl.uniform2f(uniforms.depthRange, frame.depthRange[0], frame.depthRange[1]);
    gl.uniform1f(uniforms.pixels, frame.pointSize * ratio);
    gl.uniform1f(uniforms.reference, frame.reference);
    gl.uniform1f(uniforms.fade, frame.fade);
    gl.uniform1f(uniforms.opacity, frame.opacity);
    gl.uniform1f(uniforms.emphasis, frame.emphasis);
    gl.uniform3f(uniforms.background, frame.background[0], frame.background[1], frame.background[2]);
    gl.uniform1i(uniforms.mode, this.attributes[1] ? frame.mode : 0);
    gl.uniform1i(uniforms.selecting, this.attributes[2] ? 1 : 0);
    const solid = frame.opacity >= 1;
    gl.depthMask(solid);
    if (solid) gl.disable(gl.BLEND);
    else gl.enable(gl.BLEND);
    for (const layer of solid ? [LAYER.all] : [LAYER.back, LAYER.front]) {
      gl.uniform1i(uniforms.layer, layer);
      gl.drawArrays(gl.POINTS, 0, count);
    }
  }

  /** A stride of several points skips those between: a sample that is spread evenly over every segment. */
  private bind(step: number, offset: number): void {
    const { gl, points, device } = this;
    const { values, dimensions, stride } = points;
    gl.bindBuffer(gl.ARRAY_BUFFER, device.buffers[0]!);
    const type = values instanceof Uint16Array ? gl.UNSIGNED_SHORT : gl.FLOAT;
    gl.enableVertexAttribArray(0);
    const bytes = stride * values.BYTES_PER_ELEMENT;
    gl.vertexAttribPointer(0, dimensions, type, false, bytes * step, bytes * offset);
    this.attributes.forEach((own, which) => {
      if (!own) {
        gl.disableVertexAttribArray(which + 1);
        gl.vertexAttribI4ui(which + 1, which === 0 ? 1 : 0, 0, 0, 0);
        return;
      }
      const width = own.BYTES_PER_ELEMENT;
      gl.bindBuffer(gl.ARRAY_BUFFER, device.buffers[which + 1]!);
      gl.enableVertexAttribArray(which + 1);
      gl.vertexAttribIPointer(which + 1, 1, width === 1 ? gl.UNSIGNED_BYTE : width === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_INT, width * step, width * offset);
    });
  }

  whenDrawn(callback: (milliseconds: number) => void): void {
    const { gl } = this;
    const start = performance.now();
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    const look = (): void => {
      const state = fence && !this.lost ? gl.clientWaitSync(fence, 0, 0) : gl.WAIT_FAILED;
      if (state === gl.TIMEOUT_EXPIRED && performance.now() - start < 20_000) {
        this.poll = window.setTimeout(look, POLL);
        return;
      }
      gl.deleteSync(fence);
      callback(performance.now() - start);
    };
    this.poll = window.setTimeout(look, 0);
  }

  /** Gives the context back at once: a page may hold about sixteen. */
  dispose(): void {
    window.clearTimeout(this.poll);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private create(): Device {
    const { gl } = this;
    const program = link(gl);
    gl.useProgram(program);
    gl.enable(gl.DEPTH_TEST);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const texture = (unit: number): WebGLTexture | null => {
      const made = gl.createTexture();
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, made);
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
      return made;
    };
    const [palette, scale] = [texture(0), texture(1)];
    const uniforms = Object.fromEntries(
      UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]),
    ) as Device["uniforms"];
    gl.uniform1i(uniforms.palette, 0);
    gl.uniform1i(uniforms.scale, 1);
    return { uniforms, buffers: Array.from({ length: 4 }, () => gl.createBuffer()), palette, scale };
  }
}

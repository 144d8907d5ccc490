// Runs before any script of a page: counts what comes from kernels, and what WebGL is given and draws.
// `__seen.watch(draw, upload, force)` starts anew: draws of at least `draw` vertices and uploads of at least `upload`
// bytes are listed, and the first `force` such draws are forced to end, by a read, so that their time is known.
(() => {
  if (window.__seen) return;
  const now = () => performance.timeOrigin + performance.now();
  const seen = (window.__seen = {
    now, received: 0, messages: 0, drawCalls: 0, vertices: 0, draws: [], uploads: [], errors: [], lost: 0, forced: 0, least: 1, smallest: 1,
    watch(draw, upload, force) {
      Object.assign(seen, { received: 0, messages: 0, drawCalls: 0, vertices: 0, draws: [], uploads: [], least: draw, smallest: upload, forced: force });
    },
  });
  const size = (data) => (typeof data === "string" ? data.length : (data?.byteLength ?? data?.size ?? 0));

  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      if (!String(given[0]).includes("/channels")) return;
      this.addEventListener("message", (event) => {
        seen.received += size(event.data);
        seen.messages += 1;
      });
    }
  };

  const drawn = (gl, begin, vertices) => {
    seen.drawCalls += 1;
    seen.vertices = Math.max(seen.vertices, vertices);
    if (vertices < seen.least) return;
    let end = 0;
    if (seen.forced > 0) {
      seen.forced -= 1;
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      end = now();
    }
    if (seen.draws.length < 4000) seen.draws.push({ begin, end, vertices });
  };
  const wrap = (owner, name, count, gl) => {
    const original = owner?.[name];
    if (!original) return;
    const replaced = function (...given) {
      const begin = now();
      const result = original.apply(this, given);
      drawn(gl ?? this, begin, count(given));
      return result;
    };
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: replaced });
  };
  const wrapUpload = (owner, name, data) => {
    const original = owner?.[name];
    if (!original) return;
    owner[name] = function (...given) {
      const begin = now();
      const result = original.apply(this, given);
      const bytes = data(given);
      if (bytes >= seen.smallest && seen.uploads.length < 4000) seen.uploads.push({ begin, end: now(), bytes });
      return result;
    };
  };
  const bytes = (value) => (typeof value === "number" ? value : (value?.byteLength ?? 0));
  for (const type of [window.WebGLRenderingContext, window.WebGL2RenderingContext]) {
    const owner = type?.prototype;
    if (!owner) continue;
    wrapUpload(owner, "bufferData", (given) => bytes(given[1]));
    wrapUpload(owner, "bufferSubData", (given) => bytes(given[2]));
    wrapUpload(owner, "texImage2D", (given) => bytes(given[8]));
    wrapUpload(owner, "texSubImage2D", (given) => bytes(given[8]));
    wrap(owner, "drawArrays", (given) => given[2]);
    wrap(owner, "drawElements", (given) => given[1]);
    wrap(owner, "drawArraysInstanced", (given) => given[2] * given[3]);
    wrap(owner, "drawElementsInstanced", (given) => given[1] * given[4]);
    const extension = owner.getExtension;
    owner.getExtension = function (name) {
      const found = extension.call(this, name);
      if (found && name === "ANGLE_instanced_arrays" && !found.__wrapped) {
        found.__wrapped = true;
        wrap(found, "drawArraysInstancedANGLE", (given) => given[2] * given[3], this);
        wrap(found, "drawElementsInstancedANGLE", (given) => given[1] * given[4], this);
      }
      return found;
    };
  }
  const context = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...given) {
    const found = context.call(this, kind, ...given);
    if (found && /webgl/.test(kind) && !this.__watched) {
      this.__watched = true;
      this.addEventListener("webglcontextlost", () => (seen.lost += 1));
    }
    return found;
  };
})();

/**
 * Multi-head scaled dot-product attention, y = softmax(q·kᵀ/√d)·v per head (Vaswani et al. 2017, Eq. 1), for the short sequences of CLIP (50 to 257 tokens).
 * Tensors are [B·T, heads·d]: a token's heads lie side by side. The gradient takes the probabilities p again:
 * dv = pᵀ·dy, ds = p∘(dy·vᵀ − Σ p∘(dy·vᵀ)), dq = ds·k/√d, dk = dsᵀ·q/√d.
 */
import { apply, apply1, type Op } from '../op.ts'
import { input, type Numbers, output, type Ref, sameShape, scratch, showShape, type Tensor } from '../tensor.ts'
import { rowKernel } from './rowKernel.ts'
import { float } from './wgsl.ts'

/** How the rows of q, k and v are made up. */
export interface AttentionShape {
  /** Sequences B; they do not see each other. */
  readonly batch: number
  /** Tokens T per sequence. */
  readonly tokens: number
  readonly heads: number
  /** True: a token sees itself and those before it (CLIP's text tower). */
  readonly causal: boolean
}

/** Keeps a row of scores within WebGPU's default 16 KiB of workgroup memory. */
const MAX_TOKENS = 2048
/** Query (or key) rows of one head per task on the CPU. */
const GRAIN = 16

const ATTENTION: Op<AttentionShape> = {
  name: 'attention',
  shape: ([q, k, v], attrs) => {
    const { batch, tokens, heads } = attrs
    const width = q.shape[1]
    if (q.shape.length !== 2 || q.shape[0] !== batch * tokens)
      throw new Error(`attention: q ${showShape(q.shape)} is not [batch ${batch} x tokens ${tokens}, width]`)
    if (!sameShape(q.shape, k.shape) || !sameShape(q.shape, v.shape))
      throw new Error(`attention: q ${showShape(q.shape)}, k ${showShape(k.shape)} and v ${showShape(v.shape)} differ`)
    if (width % heads !== 0) throw new Error(`attention: width ${width} does not split into ${heads} heads`)
    if (tokens > MAX_TOKENS) throw new Error(`attention: ${tokens} tokens; the kernels hold rows of up to ${MAX_TOKENS}`)
    return [{ shape: q.shape, dtype: 'f32' }]
  },
  wgsl: ({ inputs: [q] }, attrs) => {
    const s = sizes(q.shape[1], attrs)
    return {
      dispatches: [
        rowKernel({
          label: 'attention',
          reads: ['q', 'k', 'v'].map((name, index) => ({ name, ref: input(index) })),
          writes: [{ name: 'y', ref: output(0) }],
          rows: s.rows,
          shared: [
            ['query', s.size],
            ['p', attrs.tokens],
          ],
          body: `${probabilities(s)}
  for (var c = lane; c < ${s.size}u; c += 64u) {
    var a = 0.0;
    for (var j = 0u; j < end; j++) { a += p[j] * v[base + j * ${s.width}u + c]; }
    y[base + t * ${s.width}u + c] = a / total;
  }`,
        }),
      ],
    }
  },
  reference: ([q, k, v], [y], { inputs }, attrs) => {
    const s = sizes(inputs[0].shape[1], attrs)
    const p = new Float64Array(attrs.tokens)
    for (let row = 0; row < s.rows; row++) {
      const { base, t, end } = place(row, s)
      softmaxRow(q, k, s, base, t, end, p)
      for (let c = 0; c < s.size; c++) {
        let a = 0
        for (let j = 0; j < end; j++) a += p[j] * v[base + j * s.width + c]
        y[base + t * s.width + c] = a
      }
    }
  },
  simd: ({ inputs: [q] }, attrs) => {
    const s = sizes(q.shape[1], attrs)
    return {
      scratch: [s.rows * s.tokens],
      calls: [call('attentionForward', s, [input(0), input(1), input(2), output(0), scratch(0)])],
    }
  },
  backward: ({ inputs: [q, k, v], grads: [dy], attrs }) => (dy ? apply(ATTENTION_BACKWARD, [q, k, v, dy], attrs) : []),
}

/** Inputs q, k, v, dy; outputs dq, dk, dv. First one row per query, which leaves p and ds behind, then one row per key. */
const ATTENTION_BACKWARD: Op<AttentionShape> = {
  name: 'attentionBackward',
  shape: ([q]) => [0, 1, 2].map(() => ({ shape: q.shape, dtype: 'f32' })),
  wgsl: ({ inputs: [q] }, attrs) => {
    const s = sizes(q.shape[1], attrs)
    return {
      scratch: [s.rows * s.tokens, s.rows * s.tokens],
      dispatches: [
        rowKernel({
          label: 'attentionBackwardQuery',
          reads: ['q', 'k', 'v', 'dy'].map((name, index) => ({ name, ref: input(index) })),
          writes: [
            { name: 'dq', ref: output(0) },
            { name: 'pAll', ref: scratch(0) },
            { name: 'dsAll', ref: scratch(1) },
          ],
          rows: s.rows,
          shared: [
            ['query', s.size],
            ['dyRow', s.size],
            ['p', attrs.tokens],
          ],
          body: `${probabilities(s)}
  for (var c = lane; c < ${s.size}u; c += 64u) { dyRow[c] = dy[base + t * ${s.width}u + c]; }
  workgroupBarrier();
  let first = row * ${s.tokens}u;
  var part = 0.0;
  for (var j = lane; j < end; j += 64u) {
    var dp = 0.0;
    for (var c = 0u; c < ${s.size}u; c++) { dp += dyRow[c] * v[base + j * ${s.width}u + c]; }
    let pj = p[j] / total;
    p[j] = dp;
    pAll[first + j] = pj;
    part += pj * dp;
  }
  let delta = sumLanes(lane, part);
  for (var j = lane; j < end; j += 64u) {
    let ds = pAll[first + j] * (p[j] - delta);
    p[j] = ds;
    dsAll[first + j] = ds;
  }
  workgroupBarrier();
  for (var c = lane; c < ${s.size}u; c += 64u) {
    var a = 0.0;
    for (var j = 0u; j < end; j++) { a += p[j] * k[base + j * ${s.width}u + c]; }
    dq[base + t * ${s.width}u + c] = a * ${float(s.scale)};
  }`,
        }),
        rowKernel({
          label: 'attentionBackwardKey',
          reads: [
            { name: 'q', ref: input(0) },
            { name: 'dy', ref: input(3) },
            { name: 'pAll', ref: scratch(0) },
            { name: 'dsAll', ref: scratch(1) },
          ],
          writes: [
            { name: 'dk', ref: output(1) },
            { name: 'dv', ref: output(2) },
          ],
          rows: s.rows,
          body: `${placeWgsl(s)}
  let first = (row - t) * ${s.tokens}u + t;
  for (var c = lane; c < ${s.size}u; c += 64u) {
    var a = 0.0;
    var b = 0.0;
    for (var i = ${s.causal ? 't' : '0u'}; i < ${s.tokens}u; i++) {
      a += dsAll[first + i * ${s.tokens}u] * q[base + i * ${s.width}u + c];
      b += pAll[first + i * ${s.tokens}u] * dy[base + i * ${s.width}u + c];
    }
    dk[base + t * ${s.width}u + c] = a * ${float(s.scale)};
    dv[base + t * ${s.width}u + c] = b;
  }`,
        }),
      ],
    }
  },
  reference: ([q, k, v, dy], [dq, dk, dv], { inputs }, attrs) => {
    const s = sizes(inputs[0].shape[1], attrs)
    const p = new Float64Array(attrs.tokens)
    const dp = new Float64Array(attrs.tokens)
    const sums = { dq: new Float64Array(q.length), dk: new Float64Array(q.length), dv: new Float64Array(q.length) }
    for (let row = 0; row < s.rows; row++) {
      const { base, t, end } = place(row, s)
      const own = base + t * s.width
      softmaxRow(q, k, s, base, t, end, p)
      let delta = 0
      for (let j = 0; j < end; j++) {
        dp[j] = 0
        for (let c = 0; c < s.size; c++) dp[j] += dy[own + c] * v[base + j * s.width + c]
        delta += p[j] * dp[j]
      }
      for (let j = 0; j < end; j++) {
        const other = base + j * s.width
        const ds = p[j] * (dp[j] - delta) * s.scale
        for (let c = 0; c < s.size; c++) {
          sums.dq[own + c] += ds * k[other + c]
          sums.dk[other + c] += ds * q[own + c]
          sums.dv[other + c] += p[j] * dy[own + c]
        }
      }
    }
    dq.set(sums.dq)
    dk.set(sums.dk)
    dv.set(sums.dv)
  },
  simd: ({ inputs: [q] }, attrs) => {
    const s = sizes(q.shape[1], attrs)
    return {
      scratch: [s.rows * s.tokens, s.rows * s.tokens],
      calls: [
        call('attentionBackwardQuery', s, [input(0), input(1), input(2), input(3), output(0), scratch(0), scratch(1)]),
        call('attentionBackwardKey', s, [input(0), input(3), scratch(0), scratch(1), output(1), output(2)]),
      ],
    }
  },
}

interface Sizes extends AttentionShape {
  /** heads·d and d. */
  readonly width: number
  readonly size: number
  /** 1/√d. */
  readonly scale: number
  /** (sequence, head, token) triples, the token running fastest. */
  readonly rows: number
}

function sizes(width: number, attrs: AttentionShape): Sizes {
  const size = width / attrs.heads
  return { ...attrs, width, size, scale: 1 / Math.sqrt(size), rows: attrs.batch * attrs.heads * attrs.tokens }
}

/** Where row (sequence, head, token t) lies: token j of its head begins at base + j·width; it sees tokens [0, end). */
function place(row: number, { tokens, heads, width, size, causal }: Sizes): { base: number; t: number; end: number } {
  const t = row % tokens
  const head = Math.floor(row / tokens) % heads
  const sequence = Math.floor(row / tokens / heads)
  return { base: sequence * tokens * width + head * size, t, end: causal ? t + 1 : tokens }
}

function placeWgsl({ tokens, heads, width, size, causal }: Sizes): string {
  return `  let t = row % ${tokens}u;
  let base = row / ${tokens * heads}u * ${tokens * width}u + row / ${tokens}u % ${heads}u * ${size}u;
  let end = ${causal ? 't + 1u' : `${tokens}u`};`
}

/** WGSL that leaves e^(score − largest) in shared `p` and their sum in `total`. */
function probabilities(s: Sizes): string {
  return `${placeWgsl(s)}
  for (var c = lane; c < ${s.size}u; c += 64u) { query[c] = q[base + t * ${s.width}u + c] * ${float(s.scale)}; }
  workgroupBarrier();
  var high = -3.0e38;
  for (var j = lane; j < end; j += 64u) {
    var a = 0.0;
    for (var c = 0u; c < ${s.size}u; c++) { a += query[c] * k[base + j * ${s.width}u + c]; }
    p[j] = a;
    high = max(high, a);
  }
  let largest = maxLanes(lane, high);
  var some = 0.0;
  for (var j = lane; j < end; j += 64u) {
    let e = exp(p[j] - largest);
    p[j] = e;
    some += e;
  }
  let total = sumLanes(lane, some);`
}

function softmaxRow(q: Numbers, k: Numbers, s: Sizes, base: number, t: number, end: number, p: Float64Array): void {
  let largest = Number.NEGATIVE_INFINITY
  for (let j = 0; j < end; j++) {
    let a = 0
    for (let c = 0; c < s.size; c++) a += q[base + t * s.width + c] * k[base + j * s.width + c]
    p[j] = a * s.scale
    largest = Math.max(largest, p[j])
  }
  let total = 0
  for (let j = 0; j < end; j++) {
    p[j] = Math.exp(p[j] - largest)
    total += p[j]
  }
  for (let j = 0; j < end; j++) p[j] /= total
}

function call(kernel: string, { rows, tokens, heads, size, causal }: Sizes, tensors: readonly Ref[]) {
  const args = [...tensors, { i32: tokens }, { i32: heads }, { i32: size }, { i32: causal ? 1 : 0 }]
  return { kernel, items: rows, grain: GRAIN, args }
}

/**
 * q, k, v [B·T, heads·d] -> [B·T, heads·d]. Throws when the shapes differ, do not fit batch and tokens, or the width does not split into heads.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, shape: AttentionShape): Tensor {
  return apply1(ATTENTION, [q, k, v], shape)
}

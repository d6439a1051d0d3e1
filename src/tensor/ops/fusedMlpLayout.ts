/**
 * Where a fused MLP keeps its numbers on the GPU. Rows are taken in tiles of R; a tile's activations lie column by column, 4 rows to a vector, so that an invocation's
 * block of rows is one load; vectors are swizzled so that neighbouring columns lie in different banks of workgroup memory.
 *
 * - packed weights, in vectors: for every layer the kernel [in, W] (rows padded to 4 with zeros) and the bias [W]; for the heads on a layer, side by side in one
 *   matrix, their kernel [W, h] and bias [h], h padded to 4. For the gradient the same transposed, without biases.
 * - kept activations, for the gradient: tile by tile, layer by layer [W, R / 4] vectors, then, for heads with an activation, their values [R, h / 4].
 */
import { type Dispatch, input, type Ref } from '../tensor.ts'
import type { Activation } from './dense.ts'
import { bindingHeader, MAX_GROUPS } from './wgsl.ts'

/** A narrow output layer on a hidden one. */
export interface MlpHead {
  readonly nOut: number
  readonly activation: Activation
}

/** A hidden layer, and the outputs that hang on it. */
export interface MlpLayer {
  readonly nOut: number
  readonly activation: 'relu' | 'none'
  readonly heads: readonly MlpHead[]
}

export interface MlpShape {
  readonly nIn: number
  /** The last columns of the nIn, where they come from a tensor of their own: its columns, and how many consecutive rows of the others share one row of it. */
  readonly second?: { readonly nIn: number; readonly times: number }
  readonly layers: readonly MlpLayer[]
}

/** One kernel-and-bias pair, in the order in which the operation takes them: every layer's own, then its heads'. */
export interface MlpMatrix {
  readonly layer: number
  readonly nIn: number
  readonly nOut: number
  readonly activation: Activation
  /** Of a head: its first column among the heads of its layer, and which output of the operation it is. */
  readonly head?: { readonly column: number; readonly output: number }
}

export const pad4 = (n: number): number => Math.ceil(n / 4) * 4

export function mlpMatrices({ nIn, layers }: MlpShape): MlpMatrix[] {
  let output = 0
  return layers.flatMap(({ nOut, activation, heads }, layer) => {
    let column = 0
    const own: MlpMatrix = { layer, nIn: layer === 0 ? nIn : layers[layer - 1].nOut, nOut, activation }
    const hanging = heads.map((h): MlpMatrix => {
      const head = { column, output: output++ }
      column += h.nOut
      return { layer, nIn: nOut, nOut: h.nOut, activation: h.activation, head }
    })
    return [own, ...hanging]
  })
}

/** A tensor that the first layer sees: which input of the operation, how it is called in kernels, and its columns among the nIn. */
export interface MlpInput {
  readonly index: number
  readonly name: string
  readonly begin: number
  readonly nIn: number
  /** Consecutive rows that share one of it. */
  readonly times: number
}

/** The inputs side by side. In the operation the second comes after the parameters. */
export function mlpInputs(shape: MlpShape): MlpInput[] {
  const { nIn, second } = shape
  const own = nIn - (second?.nIn ?? 0)
  const first = { index: 0, name: 'x', begin: 0, nIn: own, times: 1 }
  return second ? [first, { index: 1 + 2 * mlpMatrices(shape).length, name: 'second', begin: own, ...second }] : [first]
}

/** Inputs of the operation, parameters included; its gradient has the heads' gradients after them. */
export const inputCount = (shape: MlpShape): number => mlpInputs(shape).length + 2 * mlpMatrices(shape).length

/** Columns of a layer's heads together. */
export const headColumns = ({ heads }: MlpLayer): number => heads.reduce((sum, h) => sum + h.nOut, 0)
/** A head whose slope follows from its value, which is then kept. */
export const keepsHeads = ({ heads }: MlpLayer): boolean => heads.some(h => h.activation !== 'none')
/** Widths a tile can have. */
const WIDTHS = [16, 32, 64, 128]
/** Columns that the heads of one layer may have together. */
const MOST_HEAD_COLUMNS = 8

/** Columns of a tile: the widest layer's, padded. Undefined for a shape that does not fuse. */
export function tileWidth({ nIn, layers }: MlpShape): number | undefined {
  if (layers.length === 0 || layers.some(l => headColumns(l) > MOST_HEAD_COLUMNS)) return undefined
  if (layers[layers.length - 1].heads.length === 0) return undefined
  const width = WIDTHS.find(w => layers.every(l => l.nOut <= w))
  return width && nIn <= 2 * width ? width : undefined
}

/** A block of the packed weights: a matrix [rows, columns] of zeros with matrices copied into it. */
interface Block {
  readonly rows: number
  readonly columns: number
  readonly sources: readonly { readonly input: number; readonly nIn: number; readonly nOut: number; readonly column: number }[]
  readonly transposed: boolean
}

/** Where layers' and heads' blocks begin, in numbers; `length` of all. */
export interface Packing {
  readonly blocks: readonly Block[]
  /** Per layer. */
  readonly kernel: readonly number[]
  readonly bias: readonly number[]
  /** Per layer; meaningless for one without heads. */
  readonly headKernel: readonly number[]
  readonly headBias: readonly number[]
  readonly length: number
}

/** @param multiple of the padding of a kernel's rows. @param transposed kernels [out, in] alone, as the gradient by the input wants them. */
export function packing(shape: MlpShape, width: number, transposed: boolean): Packing {
  const matrices = mlpMatrices(shape)
  const blocks: Block[] = []
  let length = 0
  const add = (block: Block): number => {
    const begin = length
    blocks.push(block)
    length += block.rows * block.columns
    return begin
  }
  const found = shape.layers.map((layer, l) => {
    const own = matrices.findIndex(m => m.layer === l && !m.head)
    const heads = matrices.flatMap((m, i) => (m.layer === l && m.head ? [{ ...m, index: i, column: m.head.column }] : []))
    const { nIn, nOut } = matrices[own]
    const inWidth = l === 0 ? pad4(nIn) : width
    const headWidth = pad4(headColumns(layer))
    const kernels = (of: readonly { index: number; nIn: number; nOut: number; column: number }[], rows: number, columns: number): number =>
      add({
        rows: transposed ? columns : rows,
        columns: transposed ? rows : columns,
        transposed,
        sources: of.map(m => ({ input: 1 + 2 * m.index, nIn: m.nIn, nOut: m.nOut, column: m.column })),
      })
    const biases = (of: readonly { index: number; nOut: number; column: number }[], columns: number): number =>
      transposed
        ? 0
        : add({ rows: 1, columns, transposed: false, sources: of.map(m => ({ input: 2 + 2 * m.index, nIn: 1, nOut: m.nOut, column: m.column })) })
    const ownMatrix = [{ index: own, nIn, nOut, column: 0 }]
    const kernel = kernels(ownMatrix, inWidth, width)
    const bias = biases(ownMatrix, width)
    if (heads.length === 0) return { kernel, bias, headKernel: 0, headBias: 0 }
    return { kernel, bias, headKernel: kernels(heads, width, headWidth), headBias: biases(heads, headWidth) }
  })
  return {
    blocks,
    kernel: found.map(f => f.kernel),
    bias: found.map(f => f.bias),
    headKernel: found.map(f => f.headKernel),
    headBias: found.map(f => f.headBias),
    length,
  }
}

/** The dispatches that pack the operation's weights into `out`; as f32, or two f16 to a word. @param buffers that one of them may bind */
export function packKernels({ blocks }: Packing, out: Ref, format: 'f32' | 'f16', buffers: number): Dispatch[] {
  const dispatches: Dispatch[] = []
  let begin = 0
  let rest = [...blocks]
  while (rest.length > 0) {
    let count = 0
    for (let sources = 0; count < rest.length && sources + rest[count].sources.length < buffers; count++) sources += rest[count].sources.length
    const taken = rest.slice(0, count)
    rest = rest.slice(count)
    dispatches.push(packKernel(taken, begin, out, format))
    begin += taken.reduce((sum, b) => sum + b.rows * b.columns, 0)
  }
  return dispatches
}

function packKernel(blocks: readonly Block[], begin: number, out: Ref, format: 'f32' | 'f16'): Dispatch {
  const reads = blocks.flatMap(b => b.sources.map(s => ({ name: `m${s.input}`, ref: input(s.input) })))
  let end = 0
  const cases = blocks.map(({ rows, columns, sources, transposed }) => {
    const first = end
    end += rows * columns
    const [r, c] = transposed ? ['j % columns', 'j / columns'] : ['j / columns', 'j % columns']
    const take = sources.map(
      ({ input: index, nIn, nOut, column }) =>
        `    if (r < ${nIn}u && c >= ${column}u && c < ${column + nOut}u) { v = m${index}[r * ${nOut}u + c - ${column}u]; }`,
    )
    return `if (i < ${end}u) {
    let j = i - ${first}u;
    let columns = ${columns}u;
    let r = ${r};
    let c = ${c};
${take.join('\n')}
  }`
  })
  const [element, store] =
    format === 'f32'
      ? ['f32', `packed[${begin}u + i] = valueAt(i)`]
      : ['u32', `packed[${begin / 2}u + i] = pack2x16float(vec2f(valueAt(2u * i), valueAt(2u * i + 1u)))`]
  const items = format === 'f32' ? end : end / 2
  const groups = Math.ceil(items / 64)
  if (groups > MAX_GROUPS) throw new Error(`fusedMlp: ${items} packed weights are more than a dispatch takes; use narrower layers`)
  const code = `${bindingHeader(reads, [{ name: 'packed', ref: out, element }])}
fn valueAt(i: u32) -> f32 {
  var v = 0.0;
  ${cases.join(' else ')}
  return v;
}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= ${items}u) { return; }
  ${store};
}`
  return { label: 'mlpPack', code, bindings: [...reads.map(r => r.ref), out], groups: [groups, 1, 1] }
}

/** Where a tile's kept activations lie, in vectors. */
export interface KeptLayout {
  /** Of a whole tile. */
  readonly tile: number
  /** Begin of each layer's [W, R / 4]. */
  readonly layer: readonly number[]
  /** Begin of the values [R, h / 4] of each layer's heads, where they are kept. */
  readonly heads: readonly (number | undefined)[]
}

export function keptLayout({ layers }: MlpShape, width: number, R: number): KeptLayout {
  let tile = 0
  const take = (length: number): number => {
    tile += length
    return tile - length
  }
  const found = layers.map(layer => ({
    layer: take((width * R) / 4),
    heads: keepsHeads(layer) ? take((R * pad4(headColumns(layer))) / 4) : undefined,
  }))
  return { tile, layer: found.map(f => f.layer), heads: found.map(f => f.heads) }
}

/** Floating-point operations of a forward pass over rows. */
export const forwardFlops = (shape: MlpShape, rows: number): number =>
  mlpMatrices(shape).reduce((sum, { nIn, nOut }) => sum + 2 * nIn * nOut * rows, 0)

/** Tiles [begin, end) whose activations are kept in one buffer. */
export interface TileRange {
  readonly begin: number
  readonly end: number
}

/** How kept activations are cut into buffers. */
export interface Keeping {
  /** Rows of a tile. */
  readonly rows: number
  /** Most bytes of a buffer; by default what every WebGPU device binds. */
  readonly keptBytes?: number
}

/** All tiles, in as many parts as their kept activations need buffers. @param vectorBytes of 4 numbers */
export function keptRanges(shape: MlpShape, rows: number, { rows: R, keptBytes = 2 ** 27 }: Keeping, vectorBytes: number): TileRange[] {
  const tiles = Math.ceil(rows / R)
  const tileBytes = keptLayout(shape, tileWidth(shape) ?? 0, R).tile * vectorBytes
  const parts = Math.ceil(tiles / Math.max(1, Math.floor(keptBytes / tileBytes)))
  const size = Math.ceil(tiles / parts)
  return Array.from({ length: Math.ceil(tiles / size) }, (_, i) => ({ begin: i * size, end: Math.min((i + 1) * size, tiles) }))
}

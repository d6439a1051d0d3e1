/** WGSL that the forward and the backward kernel of a fused MLP share: an invocation's block of a tile, and the tiles in workgroup memory. */
import { ACTIVATION_WGSL } from './dense.ts'
import { type Keeping, type MlpInput, type MlpShape, mlpInputs, mlpMatrices, tileWidth } from './fusedMlpLayout.ts'
import { COMPONENTS, text, times } from './wgsl.ts'

/** How the work is cut for single invocations, in f32. */
export interface BlockTiling extends Keeping {
  readonly units: 'blocks'
  /** Rows of a tile: 16, 32 or 64. */
  readonly rows: number
  /** Rows and columns of a tile that one invocation computes: 4 or 8 each. */
  readonly blockRows: 4 | 8
  readonly blockColumns: 4 | 8
  /** Workgroups of the backward pass at most; each takes many tiles and leaves one partial sum of the weights' gradients. */
  readonly groups: number
  /** Hidden layers that one dispatch of the backward pass takes; each holds its sums in registers. */
  readonly layersPerDispatch: number
}

/** Numbers of a tiling that kernels are written with; W columns, and everything in vectors of 4. */
export interface Tile {
  readonly R: number
  readonly W: number
  readonly R4: number
  readonly W4: number
  /** Invocations along rows and along columns, and of the workgroup. */
  readonly rowGroups: number
  readonly columnGroups: number
  readonly threads: number
  /** Vectors of a block along rows and along columns. */
  readonly blockRows: number
  readonly blockColumns: number
}

/** Throws for a shape that does not fuse. */
export function tileOf(shape: MlpShape, { rows: R, blockRows, blockColumns }: BlockTiling): Tile {
  const W = tileWidth(shape)
  if (W === undefined) throw new Error(`fusedMlp: layers of ${shape.layers.map(l => l.nOut).join(', ')} do not fuse; use dense`)
  const [rowGroups, columnGroups] = [R / blockRows, W / blockColumns]
  return {
    R,
    W,
    R4: R / 4,
    W4: W / 4,
    rowGroups,
    columnGroups,
    threads: rowGroups * columnGroups,
    blockRows: blockRows / 4,
    blockColumns: blockColumns / 4,
  }
}

/** Vector r4 of column group c4's columns: a row of 8 column groups then lies in different banks. */
export const swizzle = ({ R4 }: Tile, r4: string, c4: string): string => `((${r4}) ^ ((${c4}) & ${Math.min(R4, 8) - 1}u))`

/** Row vector h and column vector v of an invocation's block, in the tile. */
export const blockRow = ({ rowGroups }: Tile, h: number): string => (h === 0 ? 'rowGroup' : `(rowGroup + ${h * rowGroups}u)`)
export const blockColumn = ({ columnGroups }: Tile, v: number): string => (v === 0 ? 'columnGroup' : `(columnGroup + ${v * columnGroups}u)`)

/** `let rowGroup`, `let columnGroup`. Rows run along neighbouring invocations: weights, which come through the cache, are then read by few. */
export const blockHeader = ({ rowGroups }: Tile): string => `  let rowGroup = index % ${rowGroups}u;
  let columnGroup = index / ${rowGroups}u;`

/** Every (row vector h, column vector v, component q) of a block, whose sum is `NAME_h_(4 v + q)`: 4 rows of one column. */
export function eachOfBlock({ blockRows, blockColumns }: Tile, line: (h: number, v: number, q: number) => string): string {
  return times(blockRows, h => times(blockColumns, v => times(4, q => line(h, v, q)).join('\n')).join('\n')).join('\n')
}

export interface BlockProduct {
  /** Name of the sums. */
  readonly sum: string
  /** Tile in workgroup memory and its first group of 4 columns. */
  readonly buffer: string
  readonly firstGroup?: number
  /** Columns of the tile that are summed over. */
  readonly depth: number
  /** First vector and vectors per row of the packed matrix [depth, columns]; the block's columns begin `columnOffset` vectors into a row. */
  readonly weights: number
  readonly stride: number
  readonly columnOffset?: number
}

/** sums += tile · matrix, over `depth` columns (beyond the last of 4: zeros on both sides, or not read). */
export function blockProduct(tile: Tile, { sum, buffer, firstGroup = 0, depth, weights, stride, columnOffset = 0 }: BlockProduct): string {
  const { R4, blockRows, blockColumns } = tile
  const column = (v: number): string => {
    const at = blockColumn(tile, v)
    return columnOffset === 0 ? at : `${at} + ${columnOffset}u`
  }
  return `    for (var k4 = 0u; k4 < ${Math.ceil(depth / 4)}u; k4++) {
${text(blockRows, h => `      let s${h} = (k4 + ${firstGroup}u) * ${4 * R4}u + ${swizzle(tile, blockRow(tile, h), `k4 + ${firstGroup}u`)};`)}
      let weightsAt = ${weights}u + k4 * ${4 * stride}u;
      for (var j = 0u; j < ${depth < 4 ? depth : 4}u; j++) {
${text(blockColumns, v => `        let w${v} = packed[weightsAt + j * ${stride}u + ${column(v)}];`)}
${text(blockRows, h => `        let a${h} = ${buffer}[s${h} + j * ${R4}u];`)}
${eachOfBlock(tile, (h, v, q) => `        ${sum}_${h}_${4 * v + q} += a${h} * w${v}.${COMPONENTS[q]};`)}
      }
    }`
}

/** Where vector (row h, column 4 v + q) of a block that begins at a group of columns lies in a tile's memory. */
export function blockPlace(tile: Tile, h: number, v: number, q: number, columnOffset = 0): string {
  const c4 = columnOffset === 0 ? blockColumn(tile, v) : `(${blockColumn(tile, v)} + ${columnOffset}u)`
  return `(${c4} * 4u + ${q}u) * ${tile.R4}u + ${swizzle(tile, blockRow(tile, h), c4)}`
}

/** Fills a tile with the inputs' rows: an invocation brings 4 rows of 4 columns and turns them. `row0` is the tile's first row. */
export function loadInput(tile: Tile, buffer: string, rows: number, shape: MlpShape): string {
  const { R4, threads } = tile
  const n4 = Math.ceil(shape.nIn / 4)
  const inputs = mlpInputs(shape)
  const rowOf = ({ times: shared }: MlpInput, q: number): string => (shared === 1 ? `(row + ${q}u)` : `((row + ${q}u) / ${shared}u)`)
  const row = (q: number): string => {
    const take = (from: MlpInput): string =>
      inVectors(shape)
        ? `if (c4 >= ${from.begin / 4}u && c4 < ${(from.begin + from.nIn) / 4}u) { v${q} = ${from.name}[${rowOf(from, q)} * ${from.nIn / 4}u + c4 - ${from.begin / 4}u]; }`
        : times(4, p => ifInside(from, p, c => `v${q}.${COMPONENTS[p]} = ${from.name}[${rowOf(from, q)} * ${from.nIn}u + ${c}];`)).join(' ')
    return `        if (row + ${q}u < ${rows}u) { ${inputs.map(take).join(' ')} }`
  }
  return `    for (var i = index; i < ${n4 * R4}u; i += ${threads}u) {
      let c4 = i % ${n4}u;
      let r4 = i / ${n4}u;
      let row = row0 + r4 * 4u;
${text(4, q => `      var v${q} = vec4f();`)}
      {
${text(4, row)}
      }
      let at = c4 * ${4 * R4}u + ${swizzle(tile, 'r4', 'c4')};
${text(4, p => `      ${buffer}[at + ${p * R4}u] = vec4f(${times(4, q => `v${q}.${COMPONENTS[p]}`).join(', ')});`)}
    }`
}

/** Activates the heads' columns 4 v … 4 v + 3 on layer l in the vector `name` and stores those that there are, for row r of the tile. */
export function storeHeads(shape: MlpShape, rows: number, l: number, v: number, name: string): string {
  const matrices = mlpMatrices(shape).filter(m => m.layer === l)
  return text(4, q => {
    const column = 4 * v + q
    const found = matrices.find(({ head, nOut }) => head && column >= head.column && column < head.column + nOut)
    if (!found?.head) return ''
    const { head, nOut, activation } = found
    const value = `${name}.${COMPONENTS[q]}`
    return `        ${value} = ${ACTIVATION_WGSL[activation].replaceAll(/\bv\b/g, value)};
        if (row0 + r < ${rows}u) { y${head.output}[(row0 + r) * ${nOut}u + ${column - head.column}u] = ${value}; }`
  })
}

/** The way back: rows of the wanted inputs' gradients, NAMEGradient [rows, columns], from a tile. */
export function storeInput(tile: Tile, buffer: string, rows: number, shape: MlpShape, wanted: readonly boolean[]): string {
  const { R4, threads } = tile
  const n4 = Math.ceil(shape.nIn / 4)
  const outputs = mlpInputs(shape).filter((_, i) => wanted[i])
  const row = (q: number): string => {
    const values = times(4, p => `v${p}.${COMPONENTS[q]}`)
    const store = (to: MlpInput): string =>
      inVectors(shape)
        ? `if (c4 >= ${to.begin / 4}u && c4 < ${(to.begin + to.nIn) / 4}u) { ${to.name}Gradient[(row + ${q}u) * ${to.nIn / 4}u + c4 - ${to.begin / 4}u] = vec4f(${values.join(', ')}); }`
        : times(4, p => ifInside(to, p, c => `${to.name}Gradient[(row + ${q}u) * ${to.nIn}u + ${c}] = ${values[p]};`)).join(' ')
    return `      if (row + ${q}u < ${rows}u) { ${outputs.map(store).join(' ')} }`
  }
  return `    for (var i = index; i < ${n4 * R4}u; i += ${threads}u) {
      let c4 = i % ${n4}u;
      let r4 = i / ${n4}u;
      let row = row0 + r4 * 4u;
      let at = c4 * ${4 * R4}u + ${swizzle(tile, 'r4', 'c4')};
${text(4, p => `      let v${p} = ${buffer}[at + ${p * R4}u];`)}
${text(4, row)}
    }`
}

/** `then` with the column inside the input, for component p of the columns c4. */
const ifInside = ({ begin, nIn }: MlpInput, p: number, then: (column: string) => string): string =>
  `if (c4 * 4u + ${p}u >= ${begin}u && c4 * 4u + ${p}u < ${begin + nIn}u) { ${then(`c4 * 4u + ${p}u - ${begin}u`)} }`

/** Whether every row of every input is whole vectors. */
const inVectors = (shape: MlpShape): boolean => mlpInputs(shape).every(({ nIn }) => nIn % 4 === 0)
/** How inputs and their gradients are bound. */
export const inputElement = (shape: MlpShape): string => (inVectors(shape) ? 'vec4f' : 'f32')

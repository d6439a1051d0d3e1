/** Whether a device computes a chain of narrow layers as one operation, and how it is cut. */
import type { MatrixShape } from '../../gpu/gpuDevice.ts'
import type { AdapterFacts, Device } from '../device.ts'
import type { MlpTiling } from './fusedMlp.ts'
import { backwardMemory } from './fusedMlpBackwardWgsl.ts'
import { forwardMemory } from './fusedMlpForwardWgsl.ts'
import { type MlpShape, tileWidth } from './fusedMlpLayout.ts'
import { tileOf } from './fusedMlpTile.ts'
import { matrixBackwardMemory } from './matrixMlpBackwardWgsl.ts'
import { matrixForwardMemory } from './matrixMlpForwardWgsl.ts'
import { EDGE, type MatrixTiling, matrixTile } from './matrixMlpTile.ts'

/** Below this the tiles do not fill a GPU, and the simple layers are as quick. */
const LEAST_ROWS = 512

/** Of the backward kernel: two inputs and their gradients, kept activations, weights, dz handed on, the scale and the partial sums. */
const MOST_BUFFERS = 9

/** From the most demanding to the one that every device has room for. */
const TILINGS: readonly MlpTiling[] = [
  { units: 'blocks', rows: 64, blockRows: 4, blockColumns: 4, groups: 264, layersPerDispatch: 3 },
  { units: 'blocks', rows: 32, blockRows: 4, blockColumns: 4, groups: 528, layersPerDispatch: 2 },
  { units: 'blocks', rows: 16, blockRows: 4, blockColumns: 4, groups: 528, layersPerDispatch: 1 },
]

/** The same at precision 'half', for matrix units. */
const MATRIX_TILINGS: readonly Omit<MatrixTiling, 'lanes'>[] = [
  { units: 'matrices', rows: 64, subgroups: 8, groups: 264, layersPerDispatch: 3 },
  { units: 'matrices', rows: 32, subgroups: 8, groups: 264, layersPerDispatch: 3 },
  { units: 'matrices', rows: 32, subgroups: 4, groups: 528, layersPerDispatch: 2 },
]

/** What a choice is made by. */
type Chooser = Pick<Device, 'kind' | 'adapter' | 'precision' | 'mlp'>

/** The tiling for these layers; undefined where layers one by one serve better, as on the CPU. */
export function mlpTiling({ kind, adapter, precision, mlp }: Chooser, shape: MlpShape, rows: number): MlpTiling | undefined {
  if (kind === 'cpu' || !adapter || mlp === 'layers' || rows < LEAST_ROWS || tileWidth(shape) === undefined) return undefined
  const lanes = adapter.matrixShapes.find(isSquare)?.lanes
  const halves = precision === 'half' && lanes !== undefined ? MATRIX_TILINGS.map(t => ({ ...t, lanes })) : []
  return (mlp ? [mlp] : [...halves, ...TILINGS]).find(tiling => fits(adapter, shape, tiling))
}

const isSquare = ({ m, n, k }: MatrixShape): boolean => m === EDGE && n === EDGE && k === EDGE

/** Whether the kernels of a chain with a second input, which bind more buffers than every device has, can be had. */
export function hasRoomForSecond({ adapter }: Pick<Device, 'adapter'>, { layers }: MlpShape): boolean {
  const outputs = layers.reduce((sum, l) => sum + l.heads.length, 0)
  return (adapter?.limits.maxStorageBuffersPerShaderStage ?? 0) >= MOST_BUFFERS + outputs
}

function fits({ limits, matrixShapes }: AdapterFacts, shape: MlpShape, tiling: MlpTiling): boolean {
  const { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup: invocations } = limits
  if (tiling.units === 'blocks')
    return tileOf(shape, tiling).threads <= invocations && Math.max(forwardMemory(shape, tiling), backwardMemory(shape, tiling)) <= memory
  const tile = matrixTile(shape, tiling)
  const units = matrixShapes.some(s => isSquare(s) && s.lanes === tiling.lanes)
  return units && tile !== undefined && tile.threads <= invocations && Math.max(matrixForwardMemory(tile), matrixBackwardMemory(tile)) <= memory
}

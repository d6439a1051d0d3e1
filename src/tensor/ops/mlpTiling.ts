/** Whether a device computes a chain of narrow layers as one operation, and how it is cut. */
import type { AdapterFacts, Device } from '../device.ts'
import type { MlpTiling } from './fusedMlp.ts'
import { backwardMemory } from './fusedMlpBackwardWgsl.ts'
import { forwardMemory } from './fusedMlpForwardWgsl.ts'
import { type MlpShape, tileWidth } from './fusedMlpLayout.ts'
import { tileOf } from './fusedMlpTile.ts'
import { matrixBackwardMemory } from './matrixMlpBackwardWgsl.ts'
import { matrixForwardMemory } from './matrixMlpForwardWgsl.ts'
import { EDGE, matrixTile } from './matrixMlpTile.ts'

/** Below this the tiles do not fill a GPU, and the simple layers are as quick. */
const LEAST_ROWS = 512

/** From the most demanding to the one that every device has room for. */
const TILINGS: readonly MlpTiling[] = [
  { units: 'blocks', rows: 64, blockRows: 4, blockColumns: 4, groups: 264, layersPerDispatch: 3 },
  { units: 'blocks', rows: 32, blockRows: 4, blockColumns: 4, groups: 528, layersPerDispatch: 2 },
  { units: 'blocks', rows: 16, blockRows: 4, blockColumns: 4, groups: 528, layersPerDispatch: 1 },
]

/** The tiling for these layers; undefined where layers one by one serve better, as on the CPU. */
export function mlpTiling({ kind, adapter, mlp }: Pick<Device, 'kind' | 'adapter' | 'mlp'>, shape: MlpShape, rows: number): MlpTiling | undefined {
  if (kind === 'cpu' || !adapter || mlp === 'layers' || rows < LEAST_ROWS || tileWidth(shape) === undefined) return undefined
  return (mlp ? [mlp] : TILINGS).find(tiling => fits(adapter, shape, tiling))
}

function fits({ limits, matrixShapes }: AdapterFacts, shape: MlpShape, tiling: MlpTiling): boolean {
  const { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup: invocations } = limits
  if (tiling.units === 'blocks')
    return tileOf(shape, tiling).threads <= invocations && Math.max(forwardMemory(shape, tiling), backwardMemory(shape, tiling)) <= memory
  const tile = matrixTile(shape, tiling)
  const units = matrixShapes.some(({ m, n, k, lanes }) => m === EDGE && n === EDGE && k === EDGE && lanes === tiling.lanes)
  return units && tile !== undefined && tile.threads <= invocations && Math.max(matrixForwardMemory(tile), matrixBackwardMemory(tile)) <= memory
}

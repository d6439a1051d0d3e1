/** Whether a device computes a chain of narrow layers as one operation, and how it is cut. */
import type { Device } from '../device.ts'
import { backwardMemory } from './fusedMlpBackwardWgsl.ts'
import { forwardMemory } from './fusedMlpForwardWgsl.ts'
import { type MlpShape, tileWidth } from './fusedMlpLayout.ts'
import type { MlpTiling } from './fusedMlpTile.ts'

/** Below this the tiles do not fill a GPU, and the simple layers are as quick. */
const LEAST_ROWS = 512

/** From the most demanding to the one that every device has room for. */
const TILINGS: readonly MlpTiling[] = [
  { rows: 64, blockRows: 4, blockColumns: 4, groups: 264, layersPerDispatch: 3 },
  { rows: 32, blockRows: 4, blockColumns: 4, groups: 528, layersPerDispatch: 2 },
  { rows: 16, blockRows: 4, blockColumns: 4, groups: 528, layersPerDispatch: 1 },
]

/** The tiling for these layers; undefined where layers one by one serve better, as on the CPU. */
export function mlpTiling({ kind, adapter, mlp }: Device, shape: MlpShape, rows: number): MlpTiling | undefined {
  if (kind === 'cpu' || !adapter || mlp === 'layers' || rows < LEAST_ROWS || tileWidth(shape) === undefined) return undefined
  const { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup: invocations } = adapter.limits
  const fits = (tiling: MlpTiling): boolean => {
    const threads = (tiling.rows * (tileWidth(shape) ?? 0)) / (tiling.blockRows * tiling.blockColumns)
    return threads <= invocations && Math.max(forwardMemory(shape, tiling), backwardMemory(shape, tiling)) <= memory
  }
  return (mlp ? [mlp] : TILINGS).find(fits)
}

/** Plans whose every kernel must compile, at the sizes the product uses: checked against WebGPU's default limits by `npm run check:wgsl`. */
import type { Device } from '../../src/tensor/device.ts'
import type { PlanRequest } from '../../src/tensor/plan.ts'
import { operationPlans } from './operationPlans.ts'

export interface WgslPlan {
  readonly name: string
  build(device: Device): PlanRequest
}

export const WGSL_PLANS: readonly WgslPlan[] = [...operationPlans()]

/** Work whose every kernel must compile, at the sizes the product uses: done on a device that computes nothing by `npm run check:wgsl`. */
import type { Device } from '../../src/tensor/device.ts'
import { compile } from '../../src/tensor/plan.ts'
import { operationPlans } from './operationPlans.ts'
import { WHOLE_CHECKS } from './wholePlans.ts'

export interface WgslCheck {
  readonly name: string
  /** Bytes of its largest buffer and binding, where that is known to be more than every device allows. */
  readonly largest?: number
  run(device: Device): Promise<void>
}

const operationChecks: readonly WgslCheck[] = operationPlans().map(({ name, build }) => ({
  name,
  async run(device) {
    using plan = compile(device, build(device))
    plan.run()
  },
}))

export const WGSL_CHECKS: readonly WgslCheck[] = [...operationChecks, ...WHOLE_CHECKS]

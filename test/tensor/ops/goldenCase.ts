/** Golden fixtures through the tensor layer, on every device. */
import { type Device, tensor } from '../../../src/tensor/device.ts'
import { add, mul } from '../../../src/tensor/ops/elementwise.ts'
import { sum } from '../../../src/tensor/ops/reduce.ts'
import { evaluate } from '../../../src/tensor/plan.ts'
import { reshape, type Tensor } from '../../../src/tensor/tensor.ts'
import { expectGolden, type Golden } from '../../golden.ts'
import type { TestDevice } from '../devices.ts'
import { testDevices } from '../harness.ts'

/** What a case sees of its device: leaves by golden path, and the scalar that gradients are taken of. */
export interface GoldenLeaves {
  readonly device: Device
  readonly leaf: (path: string) => Tensor
  /** Σ cotangent · output over the given outputs, by the cotangents' golden paths. */
  readonly loss: (outputs: Readonly<Record<string, Tensor>>) => Tensor
}

/** Results by the golden path of what they must equal. */
export type GoldenResults = Readonly<Record<string, Tensor>>

/** Builds the case on every device (or those `on` accepts) and holds each returned tensor against the golden of that path. Throws one error that lists every deviation. */
export async function checkGolden(
  golden: Golden,
  build: (leaves: GoldenLeaves) => GoldenResults | Promise<GoldenResults>,
  { on = () => true }: { on?: (device: TestDevice) => boolean } = {},
): Promise<void> {
  const failures: string[] = []
  for (const { name, device, compileOnly } of (await testDevices()).filter(on)) {
    const leaf = (path: string): Tensor => tensor(device, golden.get(path), golden.shape(path))
    const loss = (outputs: Readonly<Record<string, Tensor>>): Tensor =>
      Object.entries(outputs)
        .map(([path, y]) => sum(mul(reshape(y, [y.length]), reshape(leaf(path), [y.length]))))
        .reduce((a, b) => add(a, b))
    const results = await build({ device, leaf, loss })
    const values = await evaluate(device, Object.values(results))
    await device.sync()
    if (compileOnly) continue
    for (const [i, path] of Object.keys(results).entries()) {
      try {
        expectGolden(golden, path, values[i])
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

import { expect, test } from 'vitest'
import { openCpuDevice } from '../../src/cpu/cpuDevice.ts'
import { type GpuDevice, openGpuDevice } from '../../src/gpu/gpuDevice.ts'
import { loadScene, saveScene } from '../../src/nerf/sceneFile.ts'
import { train } from '../../src/nerf/train.ts'
import { cpuBackend } from '../../src/tensor/cpuBackend.ts'
import { gpuBackend } from '../../src/tensor/gpuBackend.ts'
import { smallCapture, smallScene } from '../nerf/smallScene.ts'
import { dawn } from './softwareGpu.ts'

const LOST = /^gpu: the device .* was lost \(.+\); open a new one and resume from the last checkpoint/

/** A device with a way to lose it: a driver's reset as the page or program sees it. Or why there is none. */
async function openLosable(options: string[]): Promise<{ gpu: GpuDevice; lose: () => void } | string> {
  try {
    const keep = await dawn(options, ['disable_workgroup_init'])
    const adapter = await keep.requestAdapter()
    if (!adapter) return 'no Vulkan driver'
    let device: GPUDevice | undefined
    const request = adapter.requestDevice.bind(adapter)
    adapter.requestDevice = async descriptor => {
      device = await request(descriptor)
      return device
    }
    return { gpu: await openGpuDevice(adapter, { keep }), lose: () => device?.destroy() }
  } catch (error) {
    return String(error)
  }
}

const computing = await openLosable([])
const nothing = await openLosable(['backend=null'])

test.skipIf(typeof nothing === 'string')('everything under way and everything after a loss says so, with the remedy', async () => {
  if (typeof nothing === 'string') throw new Error(nothing)
  const { gpu, lose } = nothing
  const buffer = gpu.createBuffer(1024)
  const program = gpu.program([])
  const reads = [0, 1, 2].map(i => gpu.read(buffer, 256 * i, 256))
  const [synced] = [gpu.sync()]
  lose()
  const outcomes = await Promise.allSettled([...reads, synced])
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason.message).toMatch(LOST)
  await expect(gpu.read(buffer, 0, 4)).rejects.toThrow(LOST)
  await expect(gpu.sync()).rejects.toThrow(LOST)
  expect(() => program.run()).toThrow(LOST)
  gpu.destroy()
})

const reason = typeof computing === 'string' ? `: ${computing}` : ''
test.skipIf(typeof computing === 'string')(`training ends with that error, and goes on from its checkpoint${reason}`, async () => {
  if (typeof computing === 'string') throw new Error(computing)
  const { gpu, lose } = computing
  const device = gpuBackend(gpu)
  const scene = smallScene(device, { seed: 5 })
  const run = train(scene, smallCapture(), { until: 6, reportEvery: 1 })
  await run.next()
  const second = await run.next()
  const checkpoint = await saveScene(scene, { training: true })
  lose()
  await expect(run.next()).rejects.toThrow(LOST)
  await expect(saveScene(scene, { training: true })).rejects.toThrow(LOST)
  device[Symbol.dispose]()

  using cpu = cpuBackend(await openCpuDevice({ threads: 1 }))
  const resumed = await loadScene(cpu, checkpoint, 'checkpoint.scene')
  expect(resumed.step).toBe(2)
  const straight = smallScene(cpu, { seed: 5 })
  const losses: number[] = []
  for await (const { loss } of train(straight, smallCapture(), { until: 4, reportEvery: 1 })) losses.push(loss)
  expect(second.value?.loss / losses[1]).toBeCloseTo(1, 4)
  for await (const { step, loss } of train(resumed, smallCapture(), { until: 4, reportEvery: 1 })) expect(loss / losses[step - 1]).toBeCloseTo(1, 3)
})

/** The public API in Node: the same, with Dawn (npm `webgpu`, optional) as its WebGPU. The only file that imports it. */
import { type AdapterReport, gpuReport } from './gpu/gpuReport.ts'
import type { Device } from './tensor/device.ts'
import { type OpenDeviceOptions, openDevice as openAnywhere } from './tensor/openDevice.ts'

// Bringing captures in and out, which needs a disk.
export { type ExportOptions, exportCapture } from './capture/exportCapture.ts'
export { type OpenedDataset, openDataset } from './capture/openDataset.ts'
export { importPictures, importVideo, type VideoImportOptions, type VideoStep } from './capture/video/importVideo.ts'
export type { PictureOptions } from './capture/video/pictureFrames.ts'
export { isVideoFile } from './capture/video/probe.ts'
export { checkOutput, type WriteCaptureOptions, writeCapture } from './capture/writeCapture.ts'
// Encoders in the Hugging Face cache.
export { importModel } from './clip/importModel.ts'
export { type CachedModel, cacheFolder, listModels, verifySnapshot } from './clip/modelCache.ts'
export { modelFit } from './clip/modelFit.ts'
export { modelName } from './clip/modelNames.ts'
export { type PulledModel, type PullOptions, type PullStep, pullModel } from './clip/pullModel.ts'
export { readExpressions } from './eval/expressionCoverage.ts'
export { FACE_JUDGE_REMEDY, openFaceJudge } from './eval/faceApiJudge.ts'
export type { AdapterReport } from './gpu/gpuReport.ts'
export * from './index.ts'
export { ffmpegEncoder, openFfmpegVideo } from './io/ffmpegVideo.ts'
export { type FolderFile, type FolderStep, type WriteFolderOptions, writeFolder } from './io/writeFolder.ts'

/**
 * The script of pages that `viewerPage` makes, 'faceclipnerf/viewer.js' of this package. Throws when the package was not built.
 */
export async function viewerScript(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  // beside the built library, or where a clone builds it
  for (const place of ['viewer.js', '../dist/viewer.js']) {
    const text = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  throw new Error('viewerScript: dist/viewer.js is not there; run npm run build')
}

/**
 * f16 on NVIDIA and subgroup matrices need the first two. The third: kernels fill their workgroup memory themselves, and drivers take long to compile it twice. The
 * fourth: bounds checks of every index, by Dawn and by the driver, cost 10 to 30 % (docs/h200.md). Kernels bound what they index by data themselves, and tests
 * can watch every index (FACECLIPNERF_WATCH=1, test/gpu/boundsWatch.ts).
 */
const TOGGLES = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,disable_workgroup_init,disable_robustness',
  // A browser's protection, which hides kernels under 65 µs from profiles.
  'disable-dawn-features=timestamp_quantization',
]

/**
 * Opens a device: a GPU through Dawn when there is one, else the CPU; its description says which and why.
 * The environment variable FACECLIPNERF_DEVICE (cpu, gpu, or part of an adapter's name) decides where the options do not.
 * Throws when a GPU or adapter is asked for by name and there is none such.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<Device> {
  const chosen = options.kind || options.adapter ? options : { ...options, ...fromEnvironment(process.env.FACECLIPNERF_DEVICE) }
  if (chosen.kind === 'cpu' || chosen.gpu) return await openAnywhere(chosen)
  const found = await dawn(chosen.adapter)
  return await openAnywhere({ ...chosen, ...found, kind: chosen.adapter ? 'gpu' : chosen.kind })
}

function fromEnvironment(name = ''): Pick<OpenDeviceOptions, 'kind' | 'adapter'> {
  if (name === '' || name === 'auto') return {}
  return name === 'cpu' || name === 'gpu' ? { kind: name } : { adapter: name }
}

/** The GPU adapters that Dawn finds, or why there is no Dawn. Never throws. */
export async function findAdapters(): Promise<{ adapters: AdapterReport[]; problem?: string }> {
  const { gpu, noGpu } = await dawn()
  if (!gpu) return { adapters: [], problem: noGpu }
  try {
    return { adapters: await gpuReport(gpu) }
  } catch (error) {
    return { adapters: [], problem: firstLine(error) }
  }
}

type Found = Pick<OpenDeviceOptions, 'gpu' | 'noGpu' | 'adapter' | 'software'>

/** Dawn's entry point, or why there is none. A new one per device: the device keeps it alive, and no global does. */
async function dawn(wanted?: string): Promise<Found> {
  try {
    const { create } = await import('webgpu')
    const name = wanted && (await dawnNames(create)).find(n => n.toLowerCase().includes(wanted.toLowerCase()))
    // Dawn knows adapters by names that their info need not repeat, so a name it knew is settled here.
    return name ? { gpu: create([...TOGGLES, `adapter=${name}`]), adapter: undefined, software: true } : { gpu: create(TOGGLES) }
  } catch (error) {
    return { noGpu: `the optional package webgpu does not load (${firstLine(error)})` }
  }
}

/** The adapters there are, as Dawn names them: it lists them when asked for one that does not exist. */
async function dawnNames(create: typeof import('webgpu')['create']): Promise<string[]> {
  try {
    await create(['adapter=(none such)']).requestAdapter()
    return []
  } catch (error) {
    return [...String(error).matchAll(/name: '([^']*)'/g)].map(m => m[1])
  }
}

const firstLine = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0]
